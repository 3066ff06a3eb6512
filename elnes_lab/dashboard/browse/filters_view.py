"""The filters of the Browse panel: a search, choices and ranges, set in the traits of a BrowseModel."""

import ipywidgets as ipw
import numpy as np

from ..common.widgets import captioned, control
from ..common.words import ALL
from .model import CHOICES, RANGE_STEPS, RANGES


class FiltersCard:
    """`widget`; `restore(state)` and `reset()` put the filters elsewhere."""

    def __init__(self, model) -> None:
        self.model, self.quiet = model, False
        self.widget = self._filters()

    def restore(self, state) -> None:
        """Set the filters that `link.read` returned; what it does not name stays."""
        self.search.value = state.get("text", self.search.value)
        for name, value in state.get("choices", {}).items():
            self.pickers[name].value = value
        for name, pair in state.get("ranges", {}).items():
            self.sliders[name].value = pair

    def _filters(self) -> ipw.Box:
        model = self.model
        self.search = ipw.Text(
            placeholder="quartz, P3221 ...",
            layout={"width": "156px"},
            tooltip="Words that occur in the name, site, kind, source or space group; all must match",
        )
        self.search.observe(lambda change: setattr(model, "text", change.new), "value")
        self.pickers = {}
        for name, label in CHOICES.items():
            self.pickers[name] = ipw.Dropdown(
                options=[("all", ALL), *model.options(name)],
                value=ALL,
                tooltip=f"{label}: show only the sites with this value (number of sites)",
            )
            self.pickers[name].observe(lambda change, name=name: model.set_choice(name, change.new), "value")
        self.sliders, self.readouts = {}, {}
        for name in RANGES:
            low, high = model.extent(name)
            self.readouts[name] = ipw.HTML().add_class("widget-label")
            self.sliders[name] = ipw.FloatRangeSlider(
                value=(low, high), min=low, max=high, step=RANGE_STEPS[name], readout=False
            )
            self.sliders[name].observe(lambda change, name=name: self._narrow(name, change.new), "value")
            self._write_range(name)
        reset = ipw.Button(description="Reset filters", tooltip="Show all spectra again; the selection stays")
        reset.on_click(lambda button: self.reset())
        return (
            ipw.Box(
                [
                    control("Search", self.search),
                    *[control(label, self.pickers[name]) for name, label in CHOICES.items()],
                    *[control("", self.sliders[name], readout=self.readouts[name]) for name in RANGES],
                    reset,
                ]
            )
            .add_class("elnes-card")
            .add_class("elnes-filters")
        )

    def _narrow(self, name, value) -> None:
        self._write_range(name)
        if not self.quiet:
            self.model.set_range(name, *value)

    def _write_range(self, name) -> None:
        digits = max(0, -int(np.floor(np.log10(RANGE_STEPS[name]))))
        low, high = self.sliders[name].value
        unit = self.model.unit(name)
        unit = unit if unit == "°" else f" {unit}"
        help = "Show only the sites in this range: move the two handles. Sites without a value come back at full range."
        self.readouts[name].value = captioned(
            self.model.db.subject.words(RANGES[name]), f"{low:.{digits}f}–{high:.{digits}f}{unit}", help
        )

    def reset(self) -> None:
        """Put all filters back."""
        self.quiet = True
        try:
            self.search.value = ""
            for picker in self.pickers.values():
                picker.value = ALL
            for slider in self.sliders.values():
                slider.value = (slider.min, slider.max)
        finally:
            self.quiet = False
        self.model.reset()
