"""Learning: from the ground-state PDOS of an oxygen to its core-loss spectrum.

>>> from elnes_lab.learning import Dataset, make_split, train
>>> data = Dataset.from_database(db)
>>> split = make_split(data, seed=0)
>>> model = train(data, split).fit()
>>> prediction = model.predict(db.query("kind == 'amorphous'"))

Names load their module when first used, so that choices, datasets and cards need no torch.
"""

from importlib import import_module

MODULES = {
    "Dataset": "dataset",
    "InputChoice": "choices",
    "TargetChoice": "choices",
    "usable": "dataset",
    "Split": "splits",
    "make_split": "splits",
    "grouped_folds": "splits",
    "structure_groups": "splits",
    "Hyper": "hyper",
    "train": "training",
    "Training": "training",
    "EpochRecord": "training",
    "Model": "model",
    "Prediction": "model",
    "coverage": "intervals",
    "save": "store",
    "load": "store",
    "read_card": "store",
    "integrated_gradients": "attribution",
    "jacobian": "attribution",
    "Ensemble": "ensemble",
    "train_ensemble": "ensemble",
    "cross_fit": "crossfit",
    "KernelRidgeModel": "kernel_ridge",
    "train_kernel_ridge": "kernel_ridge",
    "quantify": "quantification.reading",
    "load_quantifier": "quantification.reading",
    "Quantified": "quantification.result",
    "Quantifier": "quantification.model",
    "train_quantifier": "quantification.training",
    "predict_structure": "from_structure",
    "predict_ground": "from_ground",
    "load_route": "structure_store",
}
__all__ = list(MODULES)


def __getattr__(name: str):
    if name not in MODULES:
        raise AttributeError(f"module 'elnes_lab.learning' has no attribute '{name}'")
    return getattr(import_module(f".{MODULES[name]}", __name__), name)
