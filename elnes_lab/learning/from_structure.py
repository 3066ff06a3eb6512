"""A structure in, spectra out.

>>> from elnes_lab.learning import predict_structure
>>> found = predict_structure("quartz.cif")
>>> found.prediction.energy, found.prediction.mean, found.crystal.remarks
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from ..io.structure_input import Crystal, judged, read_structure
from .structure_route import SitePrediction, StructureRoute

ROUTE = "structure route (from the structure alone, no first-principles run)"
OTHER_ROUTES = (
    "columns 'PDOS route': predicted from the computed ground-state PDOS, which has no core hole; 'computed': from first "
    "principles with a core hole, mean 1 in the window"
)
ZEROS = {
    "edge": "the spectrum's own edge (1.4 eV below half of its height)",
    "onset": "the first empty level",
    "cbm": "the conduction-band minimum",
    "vbm": "the valence-band maximum",
}


SAME = 0.999  # similarity of sites that are the same for all that is described


class Predicted(NamedTuple):
    """A structure and what is predicted of its inequivalent oxygens, in the order of crystal.sites."""

    crystal: Crystal
    prediction: SitePrediction

    @property
    def known(self) -> str:
        """Id of the structure of the training data that this one is, all its sites found there; else ""."""
        found = {near[0][0].partition("/")[0] if near[0][1] > SAME else "" for near in self.prediction.nearest}
        return found.pop() if len(found) == 1 else ""


@lru_cache(maxsize=1)
def shipped_route() -> StructureRoute:
    """The route that comes with the package, read once. Raises DataError if it is missing or damaged."""
    from .structure_store import load_route

    return load_route()


def predict_structure(
    source,
    name: str | None = None,
    *,
    route: StructureRoute | None = None,
    level: float = 0.9,
    structure: str = "",
    relax: bool = False,
    report=None,
    stop=None,
) -> Predicted:
    """Spectra of the inequivalent absorbing atoms of a structure: a path, the bytes of a file with its name, ASE Atoms or a
    pymatgen Structure. route: by default the shipped one; its absorber and elements say what it takes. structure: id of a
    structure of the training data, which is then predicted by the part that never saw its net. relax: the universal
    potential relaxes it before (crystal.relaxed says what that changed); report and stop are those of `sources.potential.relax`.

    Raises DataError for what cannot be read or predicted (`io.structure_input.read_structure`)."""
    route = route or shipped_route()
    crystal = read_structure(source, name, elements=route.elements, absorber=route.absorber)
    if relax:
        crystal = relaxed_crystal(crystal, route, report, stop)
    sites, weights = zip(*crystal.sites)
    labels = [f"{route.absorber}{i}" for i in sites]
    return Predicted(
        crystal,
        route.predict_atoms(
            crystal.atoms,
            sites,
            weights=weights,
            labels=labels,
            environment=crystal.environment,
            level=level,
            structure=structure,
        ),
    )


def relaxed_crystal(crystal: Crystal, route: StructureRoute, report=None, stop=None) -> Crystal:
    """The crystal as the universal potential relaxes it, atoms in the same order; the one given stays as it is."""
    from ..sources.potential import relax

    relaxed = relax(crystal.atoms, report=report, stop=stop)
    made = read_structure(relaxed.atoms, crystal.name, elements=route.elements, absorber=route.absorber)
    of_the_file = tuple(text for text in crystal.remarks if text not in judged(crystal.environment, crystal.name))
    return replace(made, format=crystal.format, remarks=(*of_the_file, *made.remarks), relaxed=relaxed)


def render_csv(found: Predicted, route: StructureRoute | None = None, *, more=None) -> bytes:
    """The average and each site as columns of one CSV: mean, lower, upper, and along x, y, z; what they are stands in
    comments above. more: columns by other routes, name -> values on the same axis."""
    route, (crystal, p) = route or shipped_route(), found
    columns = {"energy_eV": p.energy}
    add = lambda name, curves: columns.update(
        {f"{name}{word}": values for word, values in zip(("", " lower", " upper"), curves) if values is not None}
    )
    add("average", p.average)
    for k, site in enumerate(p.sites):
        add(site, (p.mean[k], None if p.lower is None else p.lower[k], None if p.upper is None else p.upper[k]))
        columns |= {f"{site} {axis}": p.polarized[k, a] for a, axis in enumerate("xyz")}
    columns |= more or {}
    head = [
        f"{route.absorber} {route.edge}-edge ELNES of {crystal.name} ({crystal.formula}), predicted by the {ROUTE}",
        f"mean 1 in the window; lower and upper: {p.level:.0%} interval; x, y, z: polarisation along the axes of the file",
        f"energy in eV, zero: {ZEROS.get(route.target.alignment, route.target.alignment)}",
        f"band gap {p.band_gap:.2f} +- {p.band_gap_half:.2f} eV (PBE); model trained on data version {route.checksum[:12]}",
    ]
    for k, (site, weight) in enumerate(zip(p.sites, p.weights)):
        like = ", ".join(f"{label} ({value:.2f})" for label, value in p.nearest[k][:3])
        head.append(
            f"{site}: {weight:.0f} equivalent; onset {p.onset[k]:.2f} +- {p.onset_half:.2f} eV energy loss; "
            f"out-of-domain score {p.score[k]:.2f}; most alike: {like}" + (f"; {p.reasons[k]}" if p.reasons[k] else "")
        )
    if crystal.relaxed is not None:
        head.append(f"note: not the structure as it was given. {crystal.relaxed.sentence}")
    if more:
        head.append(OTHER_ROUTES)
    if found.known:
        head.append(f"note: {found.known} of the training data is this structure; the intervals are those of new ones")
    head += [f"note: {remark}" for remark in crystal.remarks]
    lines = [",".join(columns), *(",".join(f"{value:.6g}" for value in row) for row in zip(*columns.values()))]
    return ("".join(f"# {line}\n" for line in head) + "\n".join(lines) + "\n").encode()
