"""3-D view of the surroundings of the absorbing oxygen, and the caption that says what is seen.

The drawing needs WebGL in the browser; the caption does not. weas-widget and ase are imported by the first drawing.
"""

from html import escape

import ipywidgets as ipw
import numpy as np

from ...errors import DataError
from .words import INDEX, symbol

ABSORBER, SILICON, OXYGEN = "#D55E00", "#3E8FC7", "#9AA4AF"
# name in the drawing -> element, colour, radius (Angstrom, drawn at 0.4 of it)
SPECIES = {"O*": ("O", ABSORBER, 1.2), "Si": ("Si", SILICON, 1.0), "O": ("O", OXYGEN, 0.65)}
BONDS = (("Si", "O"), ("Si", "O*"))
LONGEST_BOND = 2.2  # Angstrom, the same as in elnes_lab.structure
NO_PANELS = {name: {"enabled": False} for name in ("controls", "buttons", "timeline")}
BACKGROUNDS = {False: "#ffffff", True: "#1c2229"}  # light and dark, the colours of a card in style.css
TOUCHING = 0.1  # Angstrom; two positions nearer than this are the same atom


def surroundings(environment, atom):
    """Atoms around an absorbing oxygen, two shells of polyhedra, bonds across the cell's faces included.

    environment: an elnes_lab.structure.Environment; atom: index of the absorber. Returns names (m,), first the absorber
    "O*", then its silicons and so on, and positions (m, 3) in Angstrom relative to the absorber.
    """
    names, positions = ["O*"], [np.zeros(3)]
    front = [(atom, np.zeros(3))]
    # Along the bonds: silicon, its oxygens, their silicons, and the oxygens of those.
    for name in ("Si", "O", "Si", "O"):
        reached = []
        for index, center in front:
            bonds = environment.bonds(int(index))
            for neighbor, vector in zip(bonds.index, bonds.vector):
                position = center + vector
                if np.linalg.norm(np.array(positions) - position, axis=1).min() > TOUCHING:
                    names.append(name)
                    positions.append(position)
                    reached.append((neighbor, position))
        front = reached
    return names, np.array(positions)


def view_direction(names, positions):
    """Unit vector (3,) from which the Si-O-Si angle of the absorber shows in its true size."""
    first, *others = positions[1 : 1 + names[1:].index("O") if "O" in names[1:] else None]
    for other in others:
        normal = np.cross(first, other)
        if np.linalg.norm(normal) > 0.05:
            return normal / np.linalg.norm(normal)
    # One bond, or a straight angle: any direction across it will do.
    normal = np.cross(first, np.eye(3)[np.abs(first).argmin()])
    return normal / np.linalg.norm(normal)


def facts(model, label):
    """Rows (quantity, value with unit) about a site for the caption, those without a value left out."""
    row = model.positions[label]
    column = {name: values[row] for name, values in model.columns.items()}
    bonds = [f"{length:.3f}" for length in np.ravel(model.db[[row]].bonds) if np.isfinite(length)]
    prototype = prototype_of(model.db, str(column["structure"]))
    rows = [
        ("Site", f"{label}, {column['multiplicity']} alike in the cell"),
        ("Space group", f"{symbol(str(column['space_group']))} ({column['space_group_number']})"),
        ("Si–O lengths", f"{', '.join(bonds)} Å"),
        ("Si–O–Si angle", f"{column['si_o_si_angle']:.1f}°" if np.isfinite(column["si_o_si_angle"]) else ""),
        ("Coordination", f"{column['coordination']} Si"),
        ("Band gap (PBE)", f"{column['band_gap']:.2f} eV"),
        ("Density", f"{column['density']:.2f} g/cm³"),
        ("Prototype", prototype),
    ]
    return [(quantity, value) for quantity, value in rows if value]


def prototype_of(db, structure) -> str:
    """Label and space group of the prototype that a structure was made from, "" without one."""
    try:
        info = db.atoms(structure).info
    except (DataError, AttributeError):  # the card says elsewhere that the structures are gone
        return ""
    return f"{info['prototype']}, {symbol(info['prototype_group'])}" if "prototype" in info else ""


class StructureView:
    """Card with the structure around one selected site: `widget`; `show(label)` draws a site, None clears it."""

    def __init__(self, model, page) -> None:
        self.model, self.page = model, page
        self.label, self.viewer, self.environments, self.quiet = None, None, {}, False
        self.heading = ipw.HTML().add_class("elnes-heading")
        self.site = ipw.Dropdown(options=[], tooltip="Which of the selected sites is drawn")
        self.site.observe(lambda change: self.quiet or self.show(change.new), "value")
        self.scene = ipw.Box([]).add_class("elnes-scene")
        colors = (("absorbing O", ABSORBER), ("Si", SILICON), ("O", OXYGEN))
        key = "".join(f"<i style='background:{color}'></i>{name}" for name, color in colors)
        self.key = ipw.HTML(f"<span class='elnes-key elnes-note' title='Drag to turn, scroll to zoom'>{key}</span>")
        self.caption = ipw.HTML()
        bar = ipw.Box([self.heading, self.key, self.site]).add_class("elnes-bar")
        self.widget = ipw.Box([bar, self.scene, self.caption]).add_class("elnes-card").add_class("elnes-structure")
        model.observe(self._selected, "selection")
        page.observe(self._draw, "ready")
        page.observe(self._color, "dark")
        self._selected()

    def _selected(self, change=None) -> None:
        labels = list(self.model.selection)
        before = () if change is None else change.old
        added = [label for label in labels if label not in before]
        if added:
            chosen = added[0 if change is None else -1]
        else:
            chosen = self.label if self.label in labels else (labels[-1] if labels else None)
        self.quiet = True  # new options choose the first of them for a moment
        self.site.options = [(self.model.name(label), label) for label in labels]
        self.site.value = chosen
        self.quiet = False
        self.site.layout.display = None if len(labels) > 1 else "none"
        self.show(chosen)

    def show(self, label) -> None:
        """Write the caption of a site and, once the page is on screen, draw its surroundings."""
        if label == self.label and label is not None:
            return
        self.label = label
        self.key.layout.display = None if label else "none"
        if label is None:
            self.heading.value, self.caption.value = "Structure", "Select a spectrum to see where its oxygen sits."
        else:
            self.heading.value = f"<span title='{INDEX}'>Structure: {escape(self.model.name(label))}</span>"
            items = "".join(
                f"<div><span>{name}</span>{escape(value)}</div>" for name, value in facts(self.model, label)
            )
            self.caption.value = f"<div class='elnes-facts'>{items}</div>"
        self._draw()

    def _draw(self, change=None) -> None:
        if not self.page.ready:
            return
        self.scene.layout.display = None if self.label else "none"
        if self.label is None:
            return
        if not self.page.webgl:
            self.scene.children = [
                ipw.HTML("This browser offers no WebGL, which the 3-D view needs; the numbers are below.")
            ]
            return
        try:
            environment = self._environment()
        except DataError as problem:  # the file of structures is gone
            self.scene.children = [ipw.HTML(f"<span class='elnes-warn' role='alert'>{escape(str(problem))}</span>")]
            self.viewer = None
            return
        names, positions = surroundings(environment, int(self.model.columns["atom"][self.model.positions[self.label]]))
        atoms = {
            "species": {name: element for name, (element, _, _) in SPECIES.items()},
            "cell": [0.0] * 9,
            "pbc": [False] * 3,
            "positions": positions.tolist(),
            "symbols": names,
            "attributes": {"atom": {}, "species": {}},
        }
        camera = {"direction": view_direction(names, positions).tolist(), "lookAt": [0.0, 0.0, 0.0], "zoom": 1.2}
        if self.viewer is None:
            self.viewer = self._viewer(atoms, camera)
            self.scene.children = [self.viewer]
            self._color()
        else:
            with self.viewer.hold_sync():
                self.viewer.atoms, self.viewer.cameraSetting = atoms, camera

    def _environment(self):
        from ...structure import Environment

        structure = str(self.model.columns["structure"][self.model.positions[self.label]])
        if structure not in self.environments:
            self.environments[structure] = Environment.of(self.model.db.atoms(structure))
        return self.environments[structure]

    def _viewer(self, atoms, camera):
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
            for a, b in BONDS
        }
        return BaseWidget(
            atoms=atoms,
            cameraSetting=camera,
            speciesSettings=species,
            bondSettings=bonds,
            modelStyle=1,
            guiConfig=NO_PANELS,
            viewerStyle={"width": "100%", "height": "100%"},
            logLevel="warn",
            highlightSettings={"absorber": {"indices": [0], "scale": 1.4, "color": ABSORBER, "type": "sphere"}},
        )

    def _color(self, change=None) -> None:
        if self.viewer is not None:
            color = BACKGROUNDS[self.page.dark]
            self.viewer.send_js_task(
                {"name": "avr.applyState", "args": [{"backgroundColor": color}, {"redraw": "render"}]}
            )
