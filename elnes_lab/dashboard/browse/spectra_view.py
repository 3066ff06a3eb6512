"""The spectra of the Browse panel: the overlay with its PDOS, and how it is drawn."""

from html import escape

import ipywidgets as ipw

from ...figures import browse as figures
from ...spectra import INSTRUMENTS
from ..common.saving import Saving
from ..common.scales import ScaleButtons
from ..common.widgets import Figure, captioned, control
from ..common.words import version
from .model import BROADEST, MAX_CURVES, PROFILES
from .words import INSTRUMENT_HELP, INTENSITIES, OWN_WIDTH, PROFILE_HELP, SHOWN, WIDTH_HELP, ZEROS

HEIGHT = 430


class SpectraCard:
    """`widget`; `restore(state)` sets how the spectra of a BrowseModel are drawn. session: of the page. failed(problem) tells
    why a file could not be made.
    """

    def __init__(self, model, session, failed) -> None:
        self.model, self.session = model, session
        self.widget = ipw.Box([self._controls(), *self._figure(failed)]).add_class("elnes-card")
        model.observe(
            self._show_curves,
            ["slots", "polarization", "zero", "intensity", "average", "fwhm", "profile", "channel", "waterfall"],
        )

    def restore(self, state) -> None:
        """Set what `link.read` returned; what it does not name stays."""
        controls = self.options | self.scales.linked
        for name in controls.keys() & state.keys():
            controls[name].value = state[name]

    def _controls(self) -> ipw.Box:
        model = self.model
        self.scales = ScaleButtons(model, self.session, ZEROS, INTENSITIES)
        polarization = ipw.ToggleButtons(
            options=[("mean", "isotropic"), *zip("xyz", "xyz")],
            value=model.polarization,
            tooltips=[
                "Mean of the three directions: powder, glass",
                *[f"Transition dipole along {a} of the stored cell" for a in "xyz"],
            ],
        )
        average = ipw.ToggleButtons(
            options=[(text, value) for text, value, _ in SHOWN],
            value=model.average,
            tooltips=[help for *_, help in SHOWN],
        )
        channel = ipw.Dropdown(
            options=model.db.channels,
            value=model.channel,
            tooltip="Which part of the ground-state density of states is drawn below the spectra",
        )
        self.fwhm_label = ipw.HTML().add_class("widget-label")
        fwhm = ipw.FloatSlider(value=0, min=0, max=BROADEST, step=0.1, readout=False, layout={"width": "110px"})
        profile = ipw.Dropdown(options=list(PROFILES.items()), value=model.profile, tooltip=PROFILE_HELP)
        waterfall = ipw.ToggleButton(
            description="Offset", value=model.waterfall, tooltip="Draw the curves one above the other"
        )
        self.options = {
            "polarization": polarization,
            "average": average,
            "channel": channel,
            "fwhm": fwhm,
            "profile": profile,
            "waterfall": waterfall,
        }
        for trait, widget in self.options.items():
            widget.observe(lambda change, trait=trait: setattr(model, trait, change.new), "value")
        widths = [(f"{name}, {width:g} eV", width) for name, width in INSTRUMENTS.items()]
        self.instrument = ipw.Dropdown(
            options=[("none", 0.0), *widths, ("another width", OWN_WIDTH)], value=0.0, tooltip=INSTRUMENT_HELP
        )
        self.instrument.observe(self._instrument_chosen, "value")
        return ipw.Box(
            [
                *self.scales.controls,
                control("Curves", average),
                waterfall,
                control("Polarization", polarization),
                control("Instrument", self.instrument),
                control("", fwhm, readout=self.fwhm_label),
                control("Profile", profile).add_class("elnes-narrow"),
                control("PDOS", channel).add_class("elnes-narrower"),
            ]
        ).add_class("elnes-bar")

    def _instrument_chosen(self, change) -> None:
        if change.new == OWN_WIDTH or change.new == self._instrument():
            return
        if self.model.profile == "lorentzian":
            self.options["profile"].value = "gaussian"
        self.options["fwhm"].value = change.new

    def _instrument(self) -> float:
        """What the list of instruments shows for the present broadening."""
        model = self.model
        if model.fwhm and (model.profile == "lorentzian" or round(model.fwhm, 3) not in INSTRUMENTS.values()):
            return OWN_WIDTH
        return round(model.fwhm, 3)

    def _figure(self, failed) -> tuple:
        model = self.model
        self.drawn_zero = model.zero
        self.figure = Figure(figures.spectrum_overlay(**model.curves(), slots=MAX_CURVES, height=HEIGHT))
        self.figure.add_class("elnes-spectra")
        self.example = ipw.Button(
            description="Show alpha-quartz, stishovite and a glass",
            button_style="primary",
            tooltip="Select an instructive example",
        )
        self.example.on_click(lambda button: model.select(model.example()))
        words = "<b>No spectrum is selected.</b><br>Pick rows in the table or points on the map, or start with"
        self.empty = ipw.Box([ipw.HTML(words), self.example]).add_class("elnes-empty")
        self.warning = ipw.HTML().add_class("elnes-note")
        self._write_notes()
        self.saving = Saving(
            lambda: figures.spectrum_overlay(**model.curves()),
            model.described,
            failed,
            help="Save the curves as drawn",
            notes=version(model.db),
        )
        plot = ipw.Box([self.figure, self.empty]).add_class("elnes-plot")
        return plot, ipw.Box([self.warning, self.saving.widget]).add_class("elnes-foot-bar")

    def _write_notes(self) -> None:
        model = self.model
        (self.empty.remove_class if not model.selection else self.empty.add_class)("elnes-hidden")
        self.fwhm_label.value = captioned("Broadening", f"{model.fwhm:.1f} eV", WIDTH_HELP)
        self.instrument.value = self._instrument()
        self.options["polarization"].disabled = model.average
        lost = model.without_onset() if model.zero == "loss" or model.average else []
        texts = []
        if lost:
            remedy = "draw the sites" if model.average else "count from the valence-band maximum"
            texts.append(
                f"<span class='elnes-warn'>Not drawn: {escape(', '.join(dict.fromkeys(map(model.name, lost))))}. Their absolute "
                f"onset is not computed yet; {remedy} to see them.</span>"
            )
        texts += map(escape, model.incomplete())
        self.warning.value = " ".join(texts)

    def _show_curves(self, change=None) -> None:
        self._write_notes()
        self.saving.write()
        figure = figures.spectrum_overlay(**self.model.curves(), height=HEIGHT)
        self.figure.show_figure(figure, zoomed=self.model.zero == self.drawn_zero)
        self.drawn_zero = self.model.zero
