"""The card with what Inspect shows: networks, kind, structures, search, and a range of errors."""

import ipywidgets as ipw
import numpy as np

from ..common.widgets import control
from ..common.words import ALL, error
from ..sites.widgets import KINDS, ModelChoice
from .model import TRAINING

STEP = 0.01  # of the error slider, whose ends are always 0 and 1


class FiltersCard:
    """`widget` sets what an InspectModel shows; `controls` by the name of the trait that each of them sets."""

    def __init__(self, model) -> None:
        self.model = model
        self.models = ModelChoice(model)
        self.kind = ipw.Dropdown(options=KINDS, value=ALL, tooltip="Show only crystals or only amorphous structures")
        self.training = ipw.Dropdown(
            options=list(TRAINING.items()),
            value=ALL,
            tooltip="Show only structures the networks were, or were not, trained on",
        )
        self.search = ipw.Text(
            placeholder="quartz ...",
            tooltip="Words that occur in the name, site, source or space group; all must match",
        )
        # Its ends never change: a browser answers to new ends with the value of before, which would become a filter.
        self.range = ipw.FloatRangeSlider(value=(0, 1), min=0, max=1, step=STEP, readout=False)
        self.ends = (1e-3, 1.0)
        self.range_label = ipw.HTML().add_class("widget-label")
        self.kind.observe(lambda change: setattr(model, "kind", change.new), "value")
        self.training.observe(lambda change: setattr(model, "training", change.new), "value")
        self.search.observe(lambda change: setattr(model, "text", change.new), "value")
        self.range.observe(self._narrow, "value")
        self.controls = {
            "first": self.models.first,
            "second": self.models.second,
            "kind": self.kind,
            "text": self.search,
            "training": self.training,
        }
        reset = ipw.Button(description="Reset filters", tooltip="Show all spectra again")
        reset.on_click(lambda button: self.reset())
        self._write_range()
        self.widget = ipw.Box(
            [
                *self.models.controls,
                control("Kind", self.kind),
                control("Structures", self.training),
                control("Search", self.search),
                control("", self.range, readout=self.range_label),
                reset,
            ]
        )
        self.widget.add_class("elnes-card").add_class("elnes-filters")
        model.observe(self._set_slider, "judged")

    def _set_slider(self, change=None) -> None:
        worst = self.model.worst()
        worst = worst[worst > 0]
        self.ends = (worst.min(), worst.max()) if len(worst) else (1e-3, 1.0)
        self.range.value = (0, 1)
        self._narrow()

    def _errors_between(self) -> list:
        """The two MSE at the slider's handles, between the smallest and the largest there is on a logarithmic scale."""
        low, high = self.ends
        return [low * (high / low) ** place for place in self.range.value]

    def _narrow(self, change=None) -> None:
        self._write_range()
        low, high = self._errors_between()
        with self.model.hold_trait_notifications():
            self.model.lowest = low if self.range.value[0] > STEP / 2 else 0.0
            self.model.highest = high if self.range.value[1] < 1 - STEP / 2 else np.inf

    def _write_range(self) -> None:
        low, high = map(error, self._errors_between())
        help = "Show only spectra whose MSE, the larger of the networks', lies in this range: move the two handles"
        self.range_label.value = f"<span title='{help}'>MSE <output>{low}–{high}</output></span>"

    def reset(self) -> None:
        """Put all filters back."""
        self.kind.value = self.training.value = ALL
        self.search.value = ""
        self.range.value = (0, 1)
        self.model.reset()
