"""The caption below a structure, and what else names the elements."""

from elnes_lab.dashboard.browse.filters_view import FiltersCard
from elnes_lab.dashboard.browse.model import BrowseModel
from elnes_lab.dashboard.browse.table_view import TableCard
from elnes_lab.dashboard.common.structure import facts
from elnes_lab.subject import Subject


def labels(db):
    model = BrowseModel(db)
    table = next(one for one in TableCard(model).widget.children if hasattr(one, "columns"))
    ranges = [label.value for label in FiltersCard(model).readouts.values()]
    caption = dict(facts(model, model.labels[0]))
    return {column["label"] for column in table.columns}, " ".join(ranges), caption


def test_labels_name_the_elements_of_the_file(small, monkeypatch):
    heads, ranges, caption = labels(small)
    assert "Si–O" in heads and "Si–O–Si angle" in ranges and {"Si–O lengths", "Si–O–Si angle"} <= set(caption)
    monkeypatch.setattr(small.store, "subject", Subject.of("O", "K", ["Mg", "O"]))
    heads, ranges, caption = labels(small)
    assert "Mg–O" in heads and "Mg–O–Mg angle" in ranges and {"Mg–O lengths", "Mg–O–Mg angle"} <= set(caption)
    assert caption["Coordination"].endswith(" Mg") and "Si–" not in " ".join([*heads, ranges, *caption])
