"""The panel Inspect: a model (traits, no widgets) and a view (widgets, no science)."""
