"""The Train panel without a browser: choices, training in its thread, comparison, models in and out."""

import threading

import numpy as np
import pytest

from elnes_lab.dashboard.inspect.model import InspectModel
from elnes_lab.dashboard.session import Session
from elnes_lab.dashboard.train.choices import OWN, PRESETS
from elnes_lab.dashboard.train.job import dataset, train_model
from elnes_lab.dashboard.train.model import TrainModel
from elnes_lab.errors import DataError


def trained(model, loop):
    model.start()
    loop.run_until(lambda: not model.running)
    return model.session.models[-1]


def test_presets_set_all_choices_and_any_change_makes_them_ones_own(model):
    assert model.preset == "best" and model.problem == ""
    model.preset = "published"
    assert {name: getattr(model, name) for name in PRESETS["published"]} == PRESETS["published"]
    model.gap = True
    assert model.preset == OWN and model.settings().inputs.scalars == ("band_gap",)
    model.gap = False
    assert model.preset == "published"
    model.input_zero = "vbm"
    assert model.input_window == (3.0, 20.0), "the window moves with its zero"
    model.input_window = (4.0, 18.0)
    model.input_zero = "cbm"
    assert model.input_window == (4.0, 18.0), "a window of one's own stays"


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"channels": ()}, "No PDOS channel is chosen"),
        ({"input_window": (5.0, 5.0)}, "fewer than three steps"),
        ({"input_window": (-2.0, 29.0)}, "No spectrum has all that is asked for"),
    ],
)
def test_choices_that_allow_no_training_are_named_at_once_and_start_no_thread_that_hangs(model, loop, wrong, words):
    for name, value in wrong.items():
        setattr(model, name, value)
    assert words in model.problem
    model.start()
    if model.running:
        loop.run_until(lambda: not model.running)
    assert model.failed and words in model.message and all(one.origin == "shipped" for one in model.session.models)
    model.preset = "best"
    assert model.problem == ""


def test_a_training_reports_ends_and_joins_the_models(model, loop):
    seen = []
    model.observe(lambda change: change.new and seen.append(change.new), "progress")
    model.members = 2
    model.epochs = 10
    model.start()
    thread = model.thread
    model.start()
    assert model.thread is thread, "a second click does nothing"
    loop.run_until(lambda: not model.running)
    last = model.progress
    epochs = [p.epoch for p in seen]  # the last one a second time with the best weights, if its turn came just then
    assert epochs == sorted(epochs) and len(set(epochs)) >= len(epochs) - 1 and last.epoch == len(last.validation) == 10
    assert last.left == 0 and len({site.partition("/")[0] for site in last.sites}) == 3
    entry = model.session.models[-1]
    assert entry.name == "Run 1: multilayer × 2" and model.ticked == (entry.name,) and not model.failed
    assert entry.load().hyper.members == 2 and not entry.with_gap
    details, row = model.details[entry.name], model.rows()[-1]
    touched = {name for part in ("train", "validation") for name in entry.card["training"]["split"][part]}
    assert not touched & {site.partition("/")[0] for site in details.sites}
    for kind in ("crystal", "amorphous"):
        expected = np.median(((details.predicted - details.computed) ** 2).mean(1)[details.kinds == kind])
        assert row[kind] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("kind, name", [("ensemble", "ensemble"), ("kernel", "kernel model")])
def test_direction_resolved_models_train_and_travel_like_networks(model, loop, kind, name):
    model.preset = "ensemble"
    model.kind = kind
    model.members, model.epochs = (2, 5) if kind == "ensemble" else (model.members, model.epochs)
    assert model.problem == "" and "all channels" in model.note
    entry, last = trained(model, loop), model.progress
    assert not model.failed and entry.name == f"Run 1: {name}"
    assert last.epoch == last.epochs == (5 if kind == "ensemble" else 1) and last.now.shape == last.computed.shape
    # The watched sites are predicted by what has not seen them: unlike what the whole model says of them.
    whole = entry.load().predict(model.db[[list(map(str, model.db.sites)).index(site) for site in last.sites]]).mean
    error = ((last.now - last.computed) ** 2).mean()
    assert ((whole - last.computed) ** 2).mean() < error < 0.1
    row, details = model.rows()[-1], model.details[entry.name]
    assert row["network"] == name and row["inputs"] == "all PDOS along x, y, z" and 0 < row["crystal"] < 0.05
    touched = {s for part in ("train", "validation") for s in entry.card["training"]["split"][part]}
    assert touched and not touched & {site.partition("/")[0] for site in details.sites}
    file, content = model.session.pack(entry.name)
    model.upload(file, content)
    loop.run_until(lambda: not model.busy and len(model.ticked) == 1 and model.ticked[0].startswith("Uploaded"))
    again = model.session.models[-1]
    np.testing.assert_allclose(
        again.load().predict(model.db[:5]).mean, entry.load().predict(model.db[:5]).mean, atol=1e-5
    )


def test_kernel_ridge_trains_and_travels_like_a_network(model, loop):
    """The plain method that is hardest to beat, so that nobody needs to take our word."""
    model.kind = "kernel ridge"
    assert model.problem == "" and model.preset == "own"
    entry, last = trained(model, loop), model.progress
    assert not model.failed and entry.name == "Run 1: kernel ridge" and last.epochs == 1
    whole = entry.load().predict(model.db[[list(map(str, model.db.sites)).index(site) for site in last.sites]]).mean
    assert ((whole - last.computed) ** 2).mean() < ((last.now - last.computed) ** 2).mean()
    row, details = model.rows()[-1], model.details[entry.name]
    assert row["network"] == "kernel ridge" and 0 < row["crystal"] < 0.1 and details.lower is not None
    file, content = model.session.pack(entry.name)
    model.upload(file, content)
    loop.run_until(lambda: not model.busy and len(model.ticked) == 1 and model.ticked[0].startswith("Uploaded"))
    again = model.session.models[-1].load().predict(model.db[:5]).mean
    np.testing.assert_array_equal(again, entry.load().predict(model.db[:5]).mean)


def test_shipped_ensembles_are_measured_on_every_crystal(model, loop):
    """Each by parts that never saw its net."""
    first = model.session.models[0]
    model.tick([first.name])
    loop.run_until(lambda: not model.busy)
    details = model.details[first.name]
    usable = dataset(model.db, first.load().choice, first.load().target)
    assert set(details.sites) == set(map(str, usable.sites)) and (details.kinds == "crystal").sum() > 100
    assert model.rows()[0]["network"] == f"ensemble, {len(first.card['parts'])} parts"


@pytest.mark.parametrize("others", [(), ("coesite",), ("coesite", "quartz-beta", "prototype-10")])
def test_trained_on_amorphous_too_some_are_held_out_unless_there_is_only_one(shipped, loop, monkeypatch, others):
    """glass-131 and as many others as are said to be amorphous."""
    kinds = np.array(shipped.store.read("kind"), dtype=object)
    structures = shipped["structure"]
    kinds[:] = np.where(np.isin(structures, ["glass-131", *others]), "amorphous", "crystal")
    monkeypatch.setitem(shipped.store.cache, "kind", kinds)
    model = TrainModel(Session(shipped), post=loop.post)
    assert "amorphous" not in model.note.partition(" Left out")[0]
    model.amorphous, model.kind = True, "linear"
    entry = trained(model, loop)
    model.close()
    split, amorphous = entry.card["training"]["split"], {"glass-131", *others}
    trained_on, validated = (set(split[part]) & amorphous for part in ("train", "validation"))
    held = amorphous - trained_on - validated
    assert trained_on and set(split["train"]) - amorphous
    assert set(structures[np.isin(shipped.sites, model.details[entry.name].sites)]) & amorphous == held
    if others:
        assert held and model.rows()[-1]["amorphous"] > 0
        counts = f"{len(trained_on)} are trained on, {len(validated)} validated on, {len(held)} held out."
        assert f"Of {len(amorphous)} amorphous structures {counts}" in model.note
    else:
        assert not held and model.rows()[-1]["amorphous"] is None
        only = shipped["name"][list(shipped["structure"]).index("glass-131")]
        assert f"The only amorphous structure, {only}, is trained on, so no error on amorphous" in model.note


def test_watched_sites_are_predicted_by_members_that_never_saw_them(shipped):
    """With one member they are validation rows; with five, the ensemble of the members that left the structure out."""
    import torch

    from elnes_lab.dashboard.train import job as train_job
    from elnes_lab.learning import make_split, train

    settings = TrainModel(Session(shipped)).settings()
    data = train_job.dataset(shipped, settings.inputs, settings.target)
    split = make_split(data, seed=0)
    one, five = (train(data, split, members=members, epochs=1) for members in (1, 5))
    assert set(one.data.sites[train_job.watched(one)]) <= set(data.sites[split.validation])
    next(five)
    rows = train_job.watched(five)
    spectra = train_job.watch(five, rows)
    members = five.network(*(torch.from_numpy(x[rows]) for x in (five.data.inputs, five.data.scalars)))
    for i, row in enumerate(rows):
        out = five.held_out[:, row]
        assert out.any() and not out.all()
        np.testing.assert_allclose(spectra[i], members.detach().numpy()[out, i].mean(0), rtol=1e-5)


def test_stop_keeps_the_best_weights_so_far(model, loop):
    model.preset = "published"
    model.epochs = 300
    model.start()
    loop.run_until(lambda: model.progress is not None)
    model.stop()
    model.stop()
    loop.run_until(lambda: not model.running)
    entry, progress = model.session.models[-1], model.progress
    assert "stopped" in model.message and 1 <= progress.epoch < 300
    assert entry.card["training"]["validation_loss"][0] == pytest.approx(progress.validation.min())


def test_a_training_stopped_at_once_still_gives_the_first_epoch(shipped):
    stop = threading.Event()
    stop.set()
    settings = TrainModel(Session(shipped)).settings()
    _, card, details = train_model(shipped, settings, stop, lambda progress: None)
    assert details.progress.epoch == 1 and set(card["training"]["best_epochs"]) == {0}


def test_results_of_an_older_run_are_discarded(model, loop):
    model.start()
    model.close()  # as when the page goes
    assert not model.thread.is_alive()
    late = len(loop.calls)
    for function, arguments in loop.calls:
        function(*arguments)
    assert late and model.progress is None and all(one.origin == "shipped" for one in model.session.models)


def test_a_failing_training_ends_in_a_sentence(model, loop, monkeypatch, caplog):
    monkeypatch.setattr("elnes_lab.dashboard.train.model.train_model", lambda *arguments: 1 / 0)
    model.start()
    loop.run_until(lambda: not model.running)
    assert model.failed and "its log says more" in model.message and "Traceback" not in model.message
    assert "ZeroDivisionError" in caplog.text  # where whoever runs the server looks


def test_two_models_are_compared_on_sites_new_to_both(model, loop):
    names = [entry.name for entry in model.session.models][:2]
    model.tick(names)
    loop.run_until(lambda: not model.busy)
    found_names, found, rows, text = model.comparison()
    assert found_names == names and "new to both" in text
    assert list(found[0].sites[rows[0]]) == list(found[1].sites[rows[1]])
    assert f"{np.median(found[0].mse[found[0].kinds == 'crystal']):.4f} (Shipped, PDOS)" in text
    model.kind, model.target_window = "linear", (-2.0, 20.0)
    other = trained(model, loop)
    model.tick([*names, other.name])
    assert model.ticked == (names[1], other.name), "at most two, the latest"
    found_names, found, rows, text = model.comparison()
    assert "not on one scale" in text and found_names == [other.name]


def test_names_stay_unique_and_shipped_models_need_no_torch(shipped):
    import subprocess
    import sys

    code = (
        "import sys, elnes_lab; from elnes_lab.dashboard.session import Session; "
        "from elnes_lab.dashboard.train.model import TrainModel; m = TrainModel(Session(elnes_lab.open_database())); "
        "assert len(m.rows()) == len(m.session.models) >= 2; m.session.pack(m.session.models[0].name); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    session = Session(shipped)
    first = session.models[0]
    names = [session.add("Run 1", None, first.card).name for _ in range(3)]
    assert names == ["Run 1", "Run 1 (2)", "Run 1 (3)"] and session.find("Run 1 (2)")
    with pytest.raises(DataError, match="no model called 'x'"):
        session.find("x")


def test_a_model_can_be_named_deleted_and_had_back(model, loop):
    model.kind, model.title = "linear", "  my   first <b>\n" + "x" * 60
    entry = trained(model, loop)
    name = entry.name
    assert name.startswith("my first <b> xxx") and len(name) == 40 and model.title == ""
    panel = InspectModel(model.db, model.session)
    model.delete()
    assert model.deleted is entry and model.ticked == () and name not in model.details
    assert [row["name"] for row in model.rows()] == [one.name for one in model.session.models]
    assert all(one.origin == "shipped" for one in model.session.models)
    model.restore()
    assert model.session.models[-1] is entry and model.deleted is None and panel.session.find(name) is entry
    model.tick([model.session.models[0].name])
    model.delete()
    assert model.failed and "came with the data and stays" in model.message and model.session.models[-1] is entry
    model.ticked = ()
    model.delete()
    assert model.failed and "No model is ticked" in model.message
