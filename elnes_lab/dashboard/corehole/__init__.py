"""The panel Core hole: a model (traits, no widgets) and a view (widgets, no science)."""
