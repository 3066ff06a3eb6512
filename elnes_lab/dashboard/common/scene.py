"""The 3-D view of a structure: around one oxygen or its unit cell, with the axes x, y, z of polarization and a, b, c.

The drawing needs WebGL in the browser; the sentence about the axes does not. weas-widget is imported by the first drawing.
"""

from html import escape

import ipywidgets as ipw

from ...axes import sentence
from ...errors import DataError
from . import drawing
from .drawing import ABSORBER, AXES, BONDS, LONGEST_BOND, NO_WEBGL, OXYGEN, SILICON, SPECIES

NO_PANELS = {name: {"enabled": False} for name in ("controls", "buttons", "timeline")}
BACKGROUNDS = {False: "#ffffff", True: "#1c2229"}  # light and dark, the colours of a card in style.css


class Scene:
    """`widget`: the drawing and a line about the axes; `key`: what the colours mean; `choice`: what is drawn.

    `show(environment, atom)` draws the absorber of that index once the page is on screen. whole: the unit cell at first;
    absorber: what it is called.
    """

    def __init__(self, page, *, whole=False, absorber="absorbing O") -> None:
        self.page, self.viewer, self.wanted, self.drawn, self.count = page, None, None, None, 0
        self.meshes, self.alive = [], False  # polyhedra and outline; whether the viewer is on screen
        self.canvas = ipw.Box([]).add_class("elnes-scene")
        self.axes = ipw.HTML().add_class("elnes-note").add_class("elnes-axes")
        colors = ((absorber, ABSORBER), ("Si", SILICON), ("O", OXYGEN))
        key = "".join(f"<i style='background:{color}'></i>{name}" for name, color in colors)
        self.key = ipw.HTML(f"<span class='elnes-key elnes-note' title='Drag to turn, scroll to zoom'>{key}</span>")
        self.choice = ipw.ToggleButtons(
            options=[("Cluster", False), ("Unit cell", True)],
            value=whole,
            tooltips=["The site with two shells of polyhedra around it", "The unit cell, with the site in it"],
        ).add_class("elnes-what")
        self.choice.observe(lambda change: self._draw(), "value")
        self.widget = ipw.Box([self.canvas, self.axes]).add_class("elnes-scene-box")
        page.observe(self._draw, "ready")
        page.observe(self._color, "dark")

    def show(self, environment, atom) -> None:
        """Draw the surroundings of an atom (its index) of an elnes_lab.structure.Environment; None: nothing."""
        self.wanted = None if environment is None else (environment, int(atom))
        self.widget.layout.display = self.key.layout.display = self.choice.layout.display = (
            None if self.wanted else "none"
        )
        self._draw()

    def refuse(self, problem) -> None:
        """Say why there is nothing to draw."""
        self.widget.layout.display = None
        self.wanted, self.viewer, self.axes.value = None, None, ""
        self.canvas.children = [ipw.HTML(f"<span class='elnes-warn' role='alert'>{escape(str(problem))}</span>")]

    def _draw(self, change=None) -> None:
        if self.wanted is None or not self.page.ready:
            return
        environment, atom = self.wanted
        try:
            said = sentence(environment)
        except DataError as problem:
            self.refuse(problem)
            return
        self.axes.value = f"<span title='{AXES}'>Polarization: {escape(said)}</span>"
        if not self.page.webgl:
            self.canvas.children = [ipw.HTML(NO_WEBGL)]
            return
        traits = drawing.scene(environment, atom, whole=self.choice.value)
        # The viewer takes meshes and arrows away with the atoms before, and does not draw again what is equal to them.
        self.count += 1
        for mesh in traits["anyMesh"]:
            mesh["name"] += f"-{self.count}"
        for arrow in traits["vectorField"].values():
            arrow["drawn"] = self.count
        atoms, camera, self.meshes = traits.pop("atoms"), traits.pop("cameraSetting"), traits.pop("anyMesh")
        if self.viewer is None:  # one for all: a browser keeps few drawings of this kind
            self.viewer, self.alive = self._viewer(atoms=atoms, cameraSetting=camera, **traits), False
            self.viewer.observe(self._answered, "js_task")
            self.canvas.children = [self.viewer]
            self._color()
        else:
            # New atoms leave the arrows before in the drawing, out of reach: so these are drawn as none first.
            self.viewer.vectorField = {
                name: {**arrow, "origins": [], "vectors": []} for name, arrow in traits["vectorField"].items()
            }
            self.viewer.atoms = atoms  # the rest is drawn into it
            with self.viewer.hold_sync():
                for name, value in traits.items():
                    setattr(self.viewer, name, value)
                if self.alive:
                    self.viewer.anyMesh = self.meshes
            if not (self.choice.value and self.drawn == (environment, True)):  # else seen as it was turned
                self.viewer.cameraSetting = camera
        self.drawn = environment, self.choice.value

    def _viewer(self, **traits) -> ipw.DOMWidget:
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
            speciesSettings=species,
            bondSettings=bonds,
            modelStyle=1,
            guiConfig=NO_PANELS,
            viewerStyle={"width": "100%", "height": "100%"},
            logLevel="warn",
            highlightSettings={"absorber": {"indices": [0], "scale": 1.4, "color": ABSORBER, "type": "sphere"}},
            **traits,
        )

    def _answered(self, change) -> None:
        """The viewer drops the meshes that it is made with; it takes them once it has done its first task."""
        if not change.new and not self.alive:
            self.alive, self.viewer.anyMesh = True, self.meshes

    def _color(self, change=None) -> None:
        if self.viewer is not None:
            color = BACKGROUNDS[self.page.dark]
            self.viewer.send_js_task(
                {"name": "avr.applyState", "args": [{"backgroundColor": color}, {"redraw": "render"}]}
            )
