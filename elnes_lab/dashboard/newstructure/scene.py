"""The cell of a structure in three dimensions, one atom marked. weas-widget is imported by the first drawing."""

import ipywidgets as ipw
import numpy as np

from ..common.structure import ABSORBER, BACKGROUNDS, LONGEST_BOND, NO_PANELS, OXYGEN, SILICON, SPECIES

MARGIN = 0.02  # of a cell edge: atoms on a face are drawn on the opposite one, too


def cell_of(atoms, marked):
    """What the viewer is given of ASE Atoms: names, the marked atom "O*", the cell and positions moved into it, and the number
    of the marked one."""
    inside = atoms.copy()
    inside.wrap(eps=1e-3)
    names = [str(symbol) for symbol in inside.get_chemical_symbols()]
    names[marked] = "O*"
    return {
        "species": {name: element for name, (element, _, _) in SPECIES.items()},
        "cell": inside.cell.array.ravel().tolist(),
        "pbc": [True] * 3,
        "positions": inside.positions.tolist(),
        "symbols": names,
        "attributes": {"atom": {}, "species": {}},
    }


def direction_of(atoms):
    """Unit vector (3,) to look from: nearly along the longest edge's normal, a little from above, so that depth shows."""
    a, b, c = atoms.cell.array
    normal = np.cross(a, b)
    view = normal / np.linalg.norm(normal) + 0.35 * a / np.linalg.norm(a) + 0.22 * b / np.linalg.norm(b)
    return view / np.linalg.norm(view)


def extent(atoms):
    """Longest diagonal of the cell, angstrom."""
    signs = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])
    return float(np.linalg.norm(signs @ atoms.cell.array, axis=1).max())


def mark(atom):
    """The ring around one atom (its index)."""
    return {"absorber": {"indices": [atom], "scale": 1.4, "color": ABSORBER, "type": "sphere"}}


class CellScene:
    """`widget`; `show(atoms, marked)` draws a cell once the page is on screen."""

    def __init__(self, page) -> None:
        self.page, self.viewer, self.wanted, self.drawn, self.first = page, None, None, None, 0.0
        key = "".join(
            f"<i style='background:{color}'></i>{name}"
            for name, color in (("chosen O", ABSORBER), ("Si", SILICON), ("O", OXYGEN))
        )
        self.key = ipw.HTML(f"<span class='elnes-key elnes-note' title='Drag to turn, scroll to zoom'>{key}</span>")
        self.widget = ipw.Box([]).add_class("elnes-scene")
        page.observe(self._draw, "ready")
        page.observe(self._color, "dark")

    def show(self, atoms, marked) -> None:
        """Draw ASE Atoms with one atom (its index) marked."""
        self.wanted = atoms, marked
        self._draw()

    def _draw(self, change=None) -> None:
        if self.wanted is None or not self.page.ready:
            return
        if not self.page.webgl:
            self.widget.children = [
                ipw.HTML("This browser offers no WebGL, which the 3-D view needs; the numbers are below.")
            ]
            return
        atoms, marked = self.wanted
        drawn = cell_of(atoms, marked)
        self.first = self.first or extent(atoms)  # the viewer's zoom is relative to what it was made for
        camera = {
            "direction": direction_of(atoms).tolist(),
            "lookAt": (atoms.cell.array.sum(0) / 2).tolist(),
            "zoom": 1.1 * self.first / extent(atoms),
        }
        if self.viewer is None:  # one for all: a browser keeps few drawings of this kind
            self.viewer = self._viewer(drawn, camera, marked)
            self.widget.children = [self.viewer]
            self._color()
        else:
            with self.viewer.hold_sync():
                self.viewer.highlightSettings = mark(marked)
                self.viewer.atoms = drawn
                if atoms is not self.drawn:  # another site of the same structure: seen as it was turned
                    self.viewer.cameraSetting = camera
        self.drawn = atoms

    def _viewer(self, atoms, camera, marked):
        from weas_widget.base_widget import BaseWidget

        species = {
            name: {"element": element, "symbol": name, "color": color, "radius": radius}
            for name, (element, color, radius) in SPECIES.items()
        }
        bonds = {
            f"{a}-{b}": {
                "specie1": a,
                "specie2": b,
                "color1": SPECIES[a][1],
                "color2": SPECIES[b][1],
                "min": 0.0,
                "max": LONGEST_BOND,
                "type": 0,
            }
            for a, b in (("Si", "O"), ("Si", "O*"))
        }
        return BaseWidget(
            atoms=atoms,
            cameraSetting=camera,
            speciesSettings=species,
            bondSettings=bonds,
            modelStyle=1,
            boundary=[[-MARGIN, 1 + MARGIN]] * 3,
            showBondedAtoms=True,
            hideLongBonds=True,
            guiConfig=NO_PANELS,
            viewerStyle={"width": "100%", "height": "100%"},
            logLevel="warn",
            cellSettings={"showCell": True, "showAxes": False},
            highlightSettings=mark(marked),
        )

    def _color(self, change=None) -> None:
        if self.viewer is not None:
            self.viewer.send_js_task(
                {
                    "name": "avr.applyState",
                    "args": [{"backgroundColor": BACKGROUNDS[self.page.dark]}, {"redraw": "render"}],
                }
            )
