"""A small network from the PDOS to the spectrum, judged on crystals that it never saw, beside two plain methods.

python examples/train.py [FOLDER]          writes the model into FOLDER/my-model
"""

import sys
from pathlib import Path

import numpy as np

import elnes_lab
from elnes_lab.learning import Dataset, InputChoice, TargetChoice, make_split, metrics, save, train, usable
from elnes_lab.learning.baselines import Ridge


def main(folder):
    with elnes_lab.open_database() as db:
        complete, reasons = usable(db, InputChoice(), TargetChoice())
        data = Dataset.from_database(db[complete], InputChoice(), TargetChoice())
    print(*reasons, sep="\n")
    split = make_split(data, seed=0)  # by structure, never by site
    model = train(data, split, seed=0, members=2, epochs=10).fit()
    learnt, test = data.subset(split.train), data.subset(split.test)
    ridge = Ridge().fit(learnt, data.subset(split.validation))
    answers = {
        "mean spectrum": np.tile(learnt.targets.mean(axis=0), (len(test), 1)),
        "ridge": ridge.predict(test),
        "network": model.predict(test).mean,
    }
    print(f"{len(test)} spectra of {len(set(test.structures))} crystals held out")
    found = {}
    for name, answer in answers.items():
        found[name] = errors = metrics.mse(test, answer)
        print(
            f"{name:<14} median MSE {np.median(errors):.4f}, mean {errors.mean():.4f}, worst {errors.max():.3f} "
            f"({test.sites[errors.argmax()]})"
        )
    save(model, folder / "my-model", metrics={"crystal": {"mse_median": float(np.median(found["network"]))}})


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
