"""How the dashboard is served: Voila with the manners of docs/serving.md. Knows no panel."""
