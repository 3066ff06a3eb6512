"""Figure of what is predicted of a structure, from arrays: spectra of its sites and their average, and the PDOS."""

import numpy as np

from .corehole import GROUND as PDOS_ROUTE
from .inspect import ABOVE, BESIDE, COMPUTED, TITLES, transparent
from .style import CRYSTAL, OKABE_ITO, blank, styled

AVERAGE, NEAREST = "#D55E00", CRYSTAL
COLORS = tuple(color for color in OKABE_ITO if color not in (COMPUTED, AVERAGE))  # of sites
DASHES = ("dash", "dot", "dashdot")
SITES = 4  # drawn at most
STYLES = tuple((COLORS[k % len(COLORS)], DASHES[k % len(DASHES)]) for k in range(SITES))


def spectra_figure(
    energy,
    average,
    sites,
    *,
    others=(),
    pdos_energy=None,
    pdos=(),
    zero="edge",
    pdos_route=None,
    pdos_computed=None,
    sites_drawn=SITES,
    others_drawn=2,
    height=520,
):
    """Predicted spectra above, predicted ground-state O p PDOS below.

    energy (m,) eV; average: (mean, lower, upper), (m,) each, the bounds may be None, or None; sites: dicts of title, mean,
    lower and upper (m,); the band of the first is drawn. others: dicts of title, energy, values and color, computed
    spectra to compare. pdos_energy (b,) eV above the conduction-band minimum, pdos: dicts of title, mean,
    lower, upper (b,), states/eV/atom, of the same sites, or of the average where there are no sites. zero: what
    energies count from. pdos_route: dict of title, mean, lower, upper (m,), the bounds may be None: predicted from the PDOS;
    pdos_computed: dict of title and values (b,), the computed PDOS; of the first site, or of the average. sites_drawn, others_drawn: so many traces, unused ones hidden.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(figure=blank(), rows=2, cols=1, vertical_spacing=0.19, row_heights=[0.66, 0.34])
    top, bottom, nothing = {"row": 1, "col": 1}, {"row": 2, "col": 1}, np.empty(0)
    pick = lambda entries, k: entries[k] if k < len(entries) else None

    def band(meta, x, one, color, place):
        drawn = one is not None and one["lower"] is not None
        figure.add_scatter(
            x=np.r_[x, x[::-1]] if drawn else nothing,
            y=np.r_[one["upper"], one["lower"][::-1]] if drawn else nothing,
            mode="lines",
            line={"width": 0},
            fill="toself",
            hoverinfo="skip",
            meta=meta,
            visible=drawn,
            showlegend=False,
            fillcolor=transparent(color, 0.2),
            **place,
        )

    def line(
        meta,
        x,
        y,
        name,
        color,
        dash,
        width,
        place,
        unit="",
        legend=True,
    ):
        drawn = y is not None
        figure.add_scatter(
            x=x if drawn else nothing,
            y=y if drawn else nothing,
            mode="lines",
            meta=meta,
            visible=drawn,
            name=name,
            line={"color": color, "dash": dash, "width": width},
            showlegend=legend,
            hovertemplate=f"%{{x:.1f}} eV, {name} %{{y:.3g}}{unit}<extra></extra>",
            **place,
        )

    mean = None if average is None else dict(zip(("mean", "lower", "upper"), average))
    band("band.average", energy, mean if not sites else None, AVERAGE, top)
    band("band.site", energy, pick(sites, 0), STYLES[0][0], top)
    band("band.route", energy, pdos_route, PDOS_ROUTE, top)
    for k in range(others_drawn):
        one = pick(others, k)
        line(
            f"other.{k}",
            None if one is None else one["energy"],
            None if one is None else one["values"],
            "" if one is None else one["title"],
            NEAREST if one is None else one["color"],
            "solid",
            2,
            top,
        )
    line(
        "average",
        energy,
        None if mean is None else mean["mean"],
        "structure route, average of the sites",
        AVERAGE,
        "dash",
        2.5,
        top,
    )
    for k in range(sites_drawn):
        one, (color, dash) = pick(sites, k), STYLES[k]
        line(
            f"site.{k}",
            energy,
            None if one is None else one["mean"],
            "" if one is None else f"structure route, {one['title']}",
            color,
            dash,
            2.5,
            top,
        )
    line(
        "route.pdos",
        energy,
        None if pdos_route is None else pdos_route["mean"],
        "" if pdos_route is None else pdos_route["title"],
        PDOS_ROUTE,
        "longdashdot",
        2.5,
        top,
    )
    below = nothing if pdos_energy is None else pdos_energy
    band("band.pdos", below, pick(pdos, 0), STYLES[0][0], bottom)
    line(
        "pdos.computed",
        below,
        None if pdos_computed is None else pdos_computed["values"],
        "" if pdos_computed is None else pdos_computed["title"],
        COMPUTED,
        "solid",
        2,
        bottom,
        " states/eV/atom",
        legend=False,
    )
    for k in range(sites_drawn):
        one, (color, dash) = pick(pdos, k), STYLES[k] if sites else (AVERAGE, "dash")
        line(
            f"pdos.{k}",
            below,
            None if one is None else one["mean"],
            "" if one is None else one["title"],
            color,
            dash,
            2.5,
            bottom,
            " states/eV/atom",
            legend=False,
        )
    figure.update_xaxes(title_text=TITLES[zero], range=[energy[0], energy[-1]], **top)
    figure.update_xaxes(
        title_text=TITLES["cbm"], range=[energy[0], energy[-1]] if not len(below) else [below[0], below[-1]], **bottom
    )
    figure.update_yaxes(title_text="ELNES (mean = 1)", rangemode="tozero", **top)
    figure.update_yaxes(title_text="O p PDOS<br>(states/eV/atom)", rangemode="tozero", **bottom)
    styled(figure, height=height, margin={"t": 56})
    return figure.update_layout(
        showlegend=True, dragmode="zoom", uirevision="newstructure", legend=ABOVE, modebar=BESIDE
    )
