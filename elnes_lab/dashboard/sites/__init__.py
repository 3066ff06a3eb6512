"""What the panels that show one site at a time have in common."""
