"""The card with the steps of the treatment: region, background, low loss, offset; each seen, each undone."""

from html import escape

import ipywidgets as ipw

from ...figures import measured as figures
from ..common.upload import Upload
from ..common.widgets import Figure, control
from .model import BACKGROUNDS

STEPS_HEIGHT, PICTURE_HEIGHT = 310, 240
LIMIT = 32 * 2**20
EMPTY = {"values": [[0.0]], "step": (1, 1), "shape": (1, 1), "region": (0, 1, 0, 1)}


class StepsCard:
    """`widget` for a MeasuredModel; `show()` writes what is in force."""

    def __init__(self, model) -> None:
        self.model, self.quiet, self.caught = model, False, []
        field = lambda help: ipw.BoundedFloatText(min=-1000, max=3000, step=0.5, tooltip=help)
        self.region = [field("Where the region begins, eV"), field("Where the region ends, eV")]
        self.kind = ipw.Dropdown(
            options=BACKGROUNDS,
            tooltip="Curve fitted before the edge and subtracted; electrons lose energy by a "
            "power law, absorption has a line",
        )
        self.window = [
            field("Where the fit of the background begins, eV"),
            field("Where the fit of the background ends, eV"),
        ]
        self.zero = ipw.Dropdown(
            options=[("to the edge", "edge"), ("by hand", "hand")],
            tooltip="Put the edge where those of the database lie, or add an offset of your own",
        )
        self.offset = ipw.BoundedFloatText(min=-1000, max=1000, step=0.1, tooltip="Offset added to all energies, eV")
        self.undo = ipw.Button(description="Undo", tooltip="Take the last change of the steps back")
        self.undo.on_click(lambda button: model.undo())
        low_loss = Upload(
            lambda name, content: model.open(name, content, low_loss=True),
            lambda text: setattr(model, "problem", text),
            label="Low-loss file",
            limit=LIMIT,
            help="Take plural scattering out with the low-loss spectrum of the same place",
        )
        self.deconvolve = ipw.Checkbox(
            description="Deconvolve", indent=False, tooltip="Fourier-ratio deconvolution with the low-loss file"
        )
        for pair, name in ((self.region, "region"), (self.window, "window")):
            for one in pair:
                one.observe(
                    lambda change, pair=pair, name=name: self._set(**{name: (pair[0].value, pair[1].value)}), "value"
                )
        self.kind.observe(lambda change: self._set(kind=change.new), "value")
        self.zero.observe(lambda change: self._set(offset=None if change.new == "edge" else self.offset.value), "value")
        self.offset.observe(lambda change: self._set(offset=change.new), "value")
        self.deconvolve.observe(lambda change: self._set(deconvolve=change.new), "value")
        self.figure = Figure(
            figures.steps_figure(**model.panels(), height=STEPS_HEIGHT), buttons=("toImage",)
        ).add_class("elnes-steps")
        self.done = ipw.HTML()
        self.picture = Figure(figures.picture_figure(**EMPTY, height=PICTURE_HEIGHT), buttons=("select2d", "toImage"))
        self.picture.add_class("elnes-picture")
        self.picture.data[1].on_selection(self._boxed)
        whole = ipw.Button(description="Whole image", tooltip="Add up all pixels again")
        whole.on_click(lambda button: model.choose())
        hint = ipw.HTML("Drag a box over the pixels to add up.").add_class("elnes-note")
        self.image = ipw.Box([self.picture, ipw.Box([hint, whole]).add_class("elnes-row")]).add_class(
            "elnes-image-card"
        )
        title = ipw.HTML("Steps <span class='elnes-note'>intensity over energy loss in eV</span>").add_class(
            "elnes-heading"
        )
        bar = ipw.Box([title, low_loss, self.undo]).add_class("elnes-bar")
        rows = [
            ipw.Box(
                [
                    control("Region from", self.region[0]),
                    control("to", self.region[1]),
                    control("Background", self.kind),
                    control("fitted from", self.window[0]),
                    control("to", self.window[1]),
                ]
            ).add_class("elnes-row"),
            ipw.Box(
                [control("Zero of energy", self.zero), control("Offset (eV)", self.offset), self.deconvolve]
            ).add_class("elnes-row"),
        ]
        plot = ipw.Box([self.figure]).add_class("elnes-plot")
        self.widget = ipw.Box([bar, self.image, *rows, plot, self.done]).add_class("elnes-card")

    def _set(self, **options) -> None:
        if not self.quiet:
            self.model.change(**options)

    def _boxed(self, trace, points, selector) -> None:
        """A box drawn on a spectrum image: the pixels inside become the region."""
        if not points.point_inds or self.model.picture() is None:
            return
        picture = self.model.picture()[0]
        columns = picture.values.shape[1]
        rows = [index // columns * picture.step[0] for index in points.point_inds]
        across = [index % columns * picture.step[1] for index in points.point_inds]
        region = (
            min(rows),
            min(max(rows) + picture.step[0], picture.shape[0]),
            min(across),
            min(max(across) + picture.step[1], picture.shape[1]),
        )
        self.model.choose(region=region)

    def show(self) -> None:
        """Write the options in force, the small pictures and the list of steps."""
        model, options = self.model, self.model.options
        self.quiet = True
        for pair, name in ((self.region, "region"), (self.window, "window")):
            for one, value in zip(pair, options[name]):
                one.value = value
        self.kind.value, self.deconvolve.value = options["kind"], options["deconvolve"]
        self.zero.value = "edge" if options["offset"] is None else "hand"
        found = next(
            stage.record["offset_eV"] for stage in model.treated.stages if stage.record["step"] == "calibration"
        )
        self.offset.value = round(found, 2)
        self.deconvolve.disabled = model.low_loss is None
        for one in self.window:
            one.disabled = options["kind"] == "none"
        self.undo.disabled = not model.past
        self.quiet = False
        self.figure.show_figure(figures.steps_figure(**model.panels(), height=STEPS_HEIGHT))
        items = "".join(
            f"<li><b>{escape(stage.record['step'])}</b>: {escape(stage.text)}</li>" for stage in model.treated.stages
        )
        self.done.value = f"<ol class='elnes-list'>{items}</ol>"
        seen = model.picture()
        (self.image.add_class if seen is None else self.image.remove_class)("elnes-hidden")
        if seen is not None:
            picture, region = seen
            self.picture.show_figure(
                figures.picture_figure(
                    picture.values, step=picture.step, shape=picture.shape, region=region, height=PICTURE_HEIGHT
                )
            )
