"""What a training of the page does in its thread: data, epochs, held-out errors. No trait, no widget, no event loop."""

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from ...learning.choices import InputChoice, TargetChoice

if TYPE_CHECKING:
    from ...learning.dataset import Dataset
    from ...learning.ensemble import EnsembleTraining
    from ...learning.kernel_ridge import KernelRidgeTraining
    from ...learning.training import Training

SITES = 3  # validation spectra that are watched while a network learns
PLAIN = "kernel ridge"  # in place of `models`: that method, which is no network
PAUSE = 0.1  # s between two reports: the page shows no more, however fast the epochs are


@dataclass(frozen=True)
class Settings:
    """All that a training needs besides the database; hyper: keyword arguments of learning.Hyper; models: what an
    ensemble is made of, as learning.train_ensemble takes them (nothing: a network).
    """

    inputs: InputChoice
    target: TargetChoice
    hyper: dict
    seed: int = 0
    amorphous: bool = False
    models: tuple = ()


@dataclass(frozen=True, eq=False)
class Progress:
    """State of a training: losses so far (e,), and three validation spectra.

    energy (m,) in eV from the target's zero; computed, first, now (3, m): reference, after the first epoch, after the
    last, mean 1; sites: their labels. Each site is predicted by the members that never saw its structure.
    """

    training: np.ndarray
    validation: np.ndarray
    epochs: int
    seconds: float
    best_epoch: int
    sites: tuple
    energy: np.ndarray
    computed: np.ndarray
    first: np.ndarray
    now: np.ndarray

    @property
    def epoch(self) -> int:
        """Number of epochs done."""
        return len(self.training)

    @property
    def left(self) -> float:
        """Seconds to the last epoch, at the pace so far; a training may also end before."""
        return self.seconds / self.epoch * (self.epochs - self.epoch)


@dataclass(frozen=True, eq=False)
class Details:
    """A model on the sites it never saw: labels and kinds (n,), spectra (n, m) computed, predicted, lower and upper
    (or None), mse (n,); energy (m,) in eV; target: TargetChoice; progress: the last one of its training, or None.
    """

    sites: np.ndarray
    kinds: np.ndarray
    energy: np.ndarray
    computed: np.ndarray
    predicted: np.ndarray
    lower: np.ndarray | None
    upper: np.ndarray | None
    mse: np.ndarray
    target: TargetChoice
    progress: Progress | None = None


def dataset(db, inputs, target) -> "Dataset":
    """The learning.Dataset of the rows of a Database that have all that the choices ask for."""
    from ...learning.dataset import Dataset, usable

    mask, reasons = usable(db, inputs, target)
    if not mask.any():
        raise DataError(f"No spectrum has all that is asked for. {' '.join(reasons)} Choose narrower windows.")
    return Dataset.from_database(db[mask], inputs, target)


def train_model(db, settings, stop, report) -> tuple | None:
    """Train on a Database until the end or until the event `stop` is set: (learning.Model, card, Details).

    report(Progress) is called at most every PAUSE seconds and after the last epoch. The model has the best weights so
    far; one epoch is the least. Raises DataError where the choices allow no training.
    """
    from ...learning.splits import make_split

    data = dataset(db, settings.inputs, settings.target)
    split = make_split(data, seed=settings.seed, include_amorphous=settings.amorphous)
    training = begun(data, split, settings)
    rows = watched(training)
    records, curves, last, progress = [], [], -np.inf, None

    def snapshot() -> Progress:
        record = records[-1]
        return Progress(
            training=np.array([r.train_loss for r in records]),
            validation=np.array([r.validation_loss for r in records]),
            epochs=training.epochs,
            seconds=record.seconds,
            best_epoch=record.best_epoch + 1,
            sites=tuple(map(str, training.data.sites[rows])),
            energy=training.data.target_energy,
            computed=training.data.targets[rows],
            first=curves[0],
            now=curves[-1],
        )

    for record in training:
        records.append(record)
        if time.monotonic() - last >= PAUSE:
            curves[1:] = [watch(training, rows)]
            progress, last = snapshot(), time.monotonic()
            report(progress)
        if stop.is_set():
            training.close()
            break
    model = training.model
    curves[1:] = [watch(training, rows, model)]
    progress = snapshot()
    report(progress)
    details = dataclasses.replace(measure(model, data), progress=progress)
    return model, card_of(model, data), details


def begun(data, split, settings) -> "Training | EnsembleTraining | KernelRidgeTraining":
    """The learning.Training, or EnsembleTraining, of some settings, before its first step."""
    if settings.models == (PLAIN,):
        from ...learning.kernel_ridge import train_kernel_ridge

        return train_kernel_ridge(data, split, seed=settings.seed)
    if settings.models:
        from ...learning.ensemble import train_ensemble

        return train_ensemble(data, split, seed=settings.seed, models=settings.models, **settings.hyper)
    from ...learning.training import train

    return train(data, split, seed=settings.seed, **settings.hyper)


def watched(training) -> np.ndarray:
    """Positions of SITES rows of the training's data that some member leaves out, of different structures if possible,
    alike for every training with the same split.
    """
    held = getattr(training, "held_out", np.ones((1, len(training.data)), bool))  # an ensemble leaves each out once
    rows = np.flatnonzero(held.any(0))
    structures = training.data.structures.astype(str)[rows]
    first = rows[np.sort(np.unique(structures, return_index=True)[1])]
    pool = first if len(first) >= SITES else rows
    return pool[np.linspace(0, len(pool) - 1, SITES).round().astype(int)]


def watch(training, rows, model=None) -> np.ndarray:
    """Spectra (3, m) of the watched rows by the members that left them out, from the present weights or a model's."""
    if hasattr(training, "outside"):
        return training.outside(rows, model)
    import torch

    weights = training.held_out[:, rows] / training.held_out[:, rows].sum(0)
    with torch.inference_mode():
        inputs, scalars = torch.from_numpy(training.data.inputs[rows]), torch.from_numpy(training.data.scalars[rows])
        members = (training if model is None else model).network(inputs, scalars).numpy()
    return np.einsum("kn,knm->nm", weights, members)


def measure(model, data) -> Details:
    """Details of a learning.Model on the rows of a Dataset whose structures its training did not touch."""
    from ...learning.metrics import mse
    from ...learning.studies.shipped import unseen

    parts = list(unseen(model, data).values())
    if not parts:
        raise DataError("The model has seen every structure of this database, so no error can be measured.")
    rows = np.isin(data.sites.astype(str), np.concatenate([part.sites for part in parts]).astype(str))
    data = data.subset(rows)
    prediction = model.predict(data)
    return Details(
        sites=data.sites.astype(str),
        kinds=data.kinds.astype(str),
        energy=data.target_energy,
        computed=data.targets,
        predicted=prediction.mean,
        lower=prediction.lower,
        upper=prediction.upper,
        mse=mse(data, prediction.mean),
        target=data.target,
    )


def card_of(model, data) -> dict:
    """The card that stands for a model on the page, with its held-out metrics, as `learning.store.save` writes it."""
    from ...learning.store import read_card, save
    from ...learning.studies.shipped import figures, unseen

    metrics = {kind: figures(model, part) for kind, part in unseen(model, data).items()}
    with tempfile.TemporaryDirectory() as folder:
        return read_card(save(model, folder, metrics=metrics))


def import_torch() -> None:
    """Import torch and what trains with it; one thread, as all pages of a server share its cores."""
    import torch

    from ...learning import training  # noqa: F401

    torch.set_num_threads(1)
