"""Plotly figures from arrays: functions that return a `plotly.graph_objects.Figure`; one module a page.

No function here knows the database or a widget, so all of them work in a script, a notebook and the dashboard alike.
"""
