"""The panel Train: a model (traits, no widgets) and a view (widgets, no science)."""
