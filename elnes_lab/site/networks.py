"""The networks of the page Predict: trained when the folder is written, without and with the band gap, and exported as numbers.

The browser does the rest (static/network.js): bins of the PDOS, principal components, ridge regression and hidden layers of every
member, the interval, and how familiar the input is. Plain networks of the isotropic PDOS, since these need two curves only; the
ensembles of Inspect err less, but take the PDOS along x, y and z.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..figures.style import OKABE_ITO
from .pack import Pack

TITLES = ("without gap", "with gap")
COLORS = OKABE_ITO[1:3]  # the first is that of the computed curve
SCALARS = ((), ("band_gap",))
LEVEL = 0.9
SEED = 0
TRAINED, NEW, NONE = 0, 1, -1  # what a site was to the networks; NONE: it has no complete inputs


@dataclass
class Networks:
    """pack: the file; problem: why there are no networks, or an empty text."""

    pack: Pack | None = None
    problem: str = ""


def networks(db) -> Networks:
    """Both networks, trained on a split of the crystals by net with the defaults; where there are too few structures, the reason."""
    from ..learning.choices import TargetChoice
    from ..learning.dataset import elnes_bins, target_shift

    pack, members, mse, target = Pack(), [], [], TargetChoice()
    try:
        found = list(trained(db))
        for k, (model, domain, data, *_) in enumerate(found):
            exported(pack, k, model)
            members.append({"title": TITLES[k], "color": COLORS[k], **familiar(pack, k, domain)})
            members[-1] |= {"members": model.hyper.members, "layers": model.hyper.depth + 1}
            members[-1] |= {"scalars": model.choice.scalars}
            mse.append(((model.predict(data).mean - data.targets) ** 2).mean(1))
    except DataError as problem:
        return Networks(problem=f"The networks of this page could not be trained: {problem}")
    model, _, data, split, good = found[0]
    choice = model.choice
    role = np.full(len(db), NONE)
    role[np.flatnonzero(good)] = np.isin(np.arange(len(data)), split.development, invert=True)
    pack.add("role", role, "int32")
    pack.add("input_energy", data.energy, "float64")
    pack.add("energy", data.target_energy, "float64")
    pack.add("shift", target_shift(db, target), "float64")
    pack.add("mean", elnes_bins(db, target)[2], "float64")
    groups = [("crystals", split.test), ("amorphous", split.amorphous)]
    pack.add_json(
        "networks",
        {
            "models": members,
            "channels": choice.channels,
            "window": choice.window,
            "points": choice.points,
            "broadening": choice.broadening,
            "level": LEVEL,
            "zero": target.alignment,
            "input_zero": choice.alignment,
            "trained": [len(split.development), len(set(data.structures[split.development]))],
            "groups": [
                [name, len(part), len(set(data.structures[part])), [float(np.median(one[part])) for one in mse]]
                for name, part in groups
                if len(part)
            ],
        },
    )
    return Networks(pack)


def trained(db):
    """Yields model, domain score, Dataset, Split and the mask of the rows of `db` that it has, of each network. DataError for too
    few structures."""
    from ..learning.choices import InputChoice, TargetChoice
    from ..learning.dataset import Dataset, usable
    from ..learning.domain import DomainScore
    from ..learning.splits import make_split
    from ..learning.training import train

    choices, target = [InputChoice(scalars=scalars) for scalars in SCALARS], TargetChoice()
    good = usable(db, choices[-1], target)[0]
    for choice in choices:
        data = Dataset.from_database(db[good], choice, target)
        split = make_split(data, seed=SEED)
        training = train(data, split, seed=SEED)
        for _ in training:
            pass
        yield training.model, DomainScore.fit(data.subset(split.development)), data, split, good


def exported(pack: Pack, k: int, model) -> None:
    """Adds network number k: the fixed maps and the weights of all members, each row of a matrix as a curve."""
    from ..learning.intervals import LEVELS
    from ..learning.network import SOFTNESS

    values = {name: value.numpy() for name, value in model.network.state_dict().items()}
    values["input_components"] = values["input_components"].T  # a component is a smooth curve
    for name, value in values.items():
        if name.endswith("_components") or (value.ndim == 3 and value.shape[1] > 1):
            pack.add_curves(f"{name}.{k}", value)
        else:
            pack.add(f"{name}.{k}", value.ravel())
    if model.widths is not None and np.isfinite(width := model.widths[LEVELS.index(LEVEL)]).all():
        pack.add(f"width.{k}", width)
    pack.add(f"softness.{k}", [SOFTNESS])


def familiar(pack: Pack, k: int, domain) -> dict:
    """Adds what says how familiar an input is to network number k (`DomainScore.score`); its limits."""
    part = domain.part
    for name in ("low", "high", "scale", "mean", "spread"):
        pack.add(f"domain_{name}.{k}", getattr(part, name))
    pack.add_curves(f"domain_components.{k}", part.components)
    return {"limits": domain.limits, "rest": part.rest}
