"""What the panels share: words, widgets that no library offers, work in the background, the 3-D view."""
