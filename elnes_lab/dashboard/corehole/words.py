"""What the Core hole panel says; no widget in here."""

from ...learning import metrics

SHADED = "Shaded blue: what the core hole changes, from the PDOS to the ELNES. Shaded around a prediction: its 90 % interval."
MEANING = (
    "<b>Change learnt</b> = 1 − MSE(prediction) / MSE(PDOS), against the computed spectrum from {low} to {high:g} eV "
    "above the edge, the PDOS scaled to fit it best: 100 % is all that the core hole changes, 0 % no better than the "
    "PDOS. <b>Gain near the edge</b>: share of the intensity up to {high:g} eV that lies in its first {width:g} eV, "
    "less that of the PDOS. On the dotted line the prediction has all of it; below, the core-hole effect is "
    "underestimated. Hollow marks: the network was trained on that structure; the diamonds, medians, leave those out."
)


def meaning() -> str:
    """What the numbers of the panel mean, HTML."""
    (low, high), width = metrics.EDGE_WINDOW, metrics.EDGE_WIDTH
    return MEANING.format(low=f"−{-low:g}", high=high, width=width)
