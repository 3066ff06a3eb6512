"""The panel My spectrum: a model (traits, no widgets) and a view (widgets, no science)."""
