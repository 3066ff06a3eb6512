"""The Browse panel: filters, table, map, spectra and structure of a BrowseModel, one card each."""

import ipywidgets as ipw

from ..common.structure import StructureView
from . import link
from .filters_view import FiltersCard
from .model import BrowseModel
from .overview import OverviewView
from .spectra_view import SpectraCard
from .table_view import TableCard


class BrowseView:
    """The Browse panel of a database: `widget`; `model` holds its state; page is the Page widget of the frame."""

    title = "Browse"

    def __init__(self, db, page) -> None:
        self.model = BrowseModel(db)
        self.model.select(self.model.example())
        self.page, self.followed = page, None
        self.filters = FiltersCard(self.model)
        # In this order what is selected shows: in the table, as a curve, on the map, as a structure.
        self.table = TableCard(self.model)
        self.spectra = SpectraCard(self.model, page.session, self.table.failed)
        self.overview = OverviewView(self.model)
        self.structure = StructureView(self.model, page)
        self.widget = ipw.Box(
            [
                self.filters.widget,
                ipw.Box([self.table.widget, self.overview.widget]).add_class("elnes-column"),
                ipw.Box([self.spectra.widget, self.structure.widget]).add_class("elnes-column"),
            ]
        ).add_class("elnes-browse")
        self.model.observe(self._tell, "selection")

    def link(self) -> tuple:
        """(query, sentence) of a link to what is shown."""
        return link.query(self.model)

    def open_link(self, text) -> list:
        """Show what the query of a link asks for; sentences about what of it is ignored."""
        state, sentences = link.read(self.model, text)
        self.restore(state)
        return sentences

    def restore(self, state) -> None:
        """Set controls and selection to what `link.read` returned; what it does not name stays."""
        self.filters.restore(state)
        self.spectra.restore(state)
        if "selection" in state:
            self.model.select(state["selection"])

    def _tell(self, change) -> None:
        """The site chosen last is the one that the other pages show."""
        added = [label for label in change.new if label not in change.old]
        if added:
            self.page.session.site = added[-1]

    def follow(self, label) -> None:
        """Show the site that was chosen on another page, in the place of the one that came so before."""
        if label in self.model.positions and label not in self.model.selection:
            kept = [one for one in self.model.selection if one != self.followed]
            self.followed = label
            self.model.select([*kept, label])

    def status(self) -> str:
        """Text for the top bar: how many spectra are listed and selected."""
        shown, total, chosen = len(self.model.visible), len(self.model.labels), len(self.model.selection)
        return f"<b>{shown:,}</b> of {total:,} spectra listed, <b>{chosen:,}</b> selected"

    def on_status(self, callback) -> None:
        """Call `callback()` whenever `status` has changed."""
        self.model.observe(lambda change: callback(), ["visible", "selection"])
