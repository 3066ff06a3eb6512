"""The learning commands of the command line: train, predict, evaluate, study, search."""

import json
import sys

from ..errors import DataError
from ..learning.hyper import LIMITS
from ..store import data_directory
from .arguments import LARGEST_SEED, MOST_REPEATS, path, shown, whole, words
from .predicting import opened, run_predict

MODELS = "models"  # in the data folder
STRUCTURE = "structure"  # the structure route, among the models to evaluate, and the folder of the shipped one
DOCS = "folder for numbers (learning.json) and report (learning.md)"


def add_commands(commands, with_database) -> None:
    """Adds the subcommands to an argparse subparsers object; with_database adds the options that choose the database."""
    train = commands.add_parser("train", help="train a network to predict the ELNES from the ground-state PDOS")
    train.add_argument("folder", type=path, nargs="?", help="folder for the model (with --shipped: for all of them)")
    train.add_argument(
        "--shipped",
        action="store_true",
        help="all pre-trained models and the quantifier, into models/ of the data folder",
    )
    train.add_argument("--gap", action="store_true", help="the band gap is an input too")
    train.add_argument(
        "--members", type=whole(*LIMITS["members"]), help="networks in the ensemble; one gives no error band"
    )
    train.add_argument("--epochs", type=whole(*LIMITS["epochs"]), help="passes over the training spectra at most")
    train.add_argument(
        "--amorphous", action="store_true", help="train on amorphous structures too (never without this)"
    )
    train.add_argument("--seed", type=whole(0, LARGEST_SEED), default=0, help="of the split and of the network")
    train.set_defaults(run=run_train)

    predict = commands.add_parser(
        "predict", help="predict spectra: of a structure, of a computed ground state, or of rows of the database"
    )
    predict.add_argument(
        "model",
        type=path,
        metavar="STRUCTURE|GROUND|MODEL",
        help="a CIF, POSCAR or extended XYZ file; or the ground.npz that `elnes-lab compute` writes, from structure and PDOS "
        "together; or the folder or .zip of a model of the PDOS, or the name of a shipped one, e.g. ensemble-pdos",
    )
    predict.add_argument(
        "path",
        type=path,
        nargs="?",
        help="CSV file to write: energy, then mean, lower and upper of each "
        "site (of a structure or ground state by default: standard output)",
    )
    predict.add_argument(
        "--where",
        type=words,
        metavar="FILTER",
        help="rows of the database to predict, e.g. \"kind == 'amorphous'\" (default: all)",
    )
    predict.add_argument(
        "--relax", action="store_true", help="relax the structure with the universal potential before (off by default)"
    )
    predict.add_argument("--overwrite", action="store_true", help="replace an existing file")
    predict.set_defaults(run=run_predict)

    evaluate = commands.add_parser(
        "evaluate", help="all models on the same splits, every crystal structure held out once a seed"
    )
    evaluate.add_argument(
        "--json", type=path, metavar="FILE", help="records for programs; one per model, inputs and group"
    )
    evaluate.add_argument("--docs", type=path, metavar="FOLDER", help=DOCS)
    evaluate.add_argument(
        "--models",
        nargs="+",
        metavar="NAME",
        help="models to compare (default: all but the slowest); structure: the route from the structure alone",
    )
    evaluate.add_argument("--seeds", type=whole(1, MOST_REPEATS), default=10)
    evaluate.add_argument("--folds", type=whole(3, MOST_REPEATS), default=5)
    evaluate.set_defaults(run=run_evaluate)

    study = commands.add_parser("study", help="which PDOS channels, windows, alignments and targets learn best")
    study.add_argument("--docs", type=path, metavar="FOLDER", help=DOCS)
    study.add_argument("--seeds", type=whole(1, MOST_REPEATS), default=5)
    study.add_argument(
        "--quantify",
        action="store_true",
        help="instead: how well structure is read from spectra (quantify.json, quantify.md)",
    )
    study.set_defaults(run=run_study)

    search = commands.add_parser("search", help="hyper-parameters of the network by grouped cross-validation")
    search.add_argument("grid", nargs="+", metavar="NAME=VALUE[,VALUE...]", help="e.g. width=64,128 dropout=0,0.3")
    search.add_argument("--seeds", type=whole(1, MOST_REPEATS), default=1)
    search.set_defaults(run=run_search)

    for command in (train, predict, evaluate, study, search):
        with_database(command)
    for command in (evaluate, study, search):
        command.add_argument(
            "--workers",
            type=whole(0, MOST_REPEATS),
            help="processes on this machine (default: one per core; 0: this one)",
        )
        command.add_argument(
            "--scheduler",
            type=words,
            metavar="ADDRESS",
            help="of a running Dask scheduler instead, e.g. tcp://10.0.0.5:8786",
        )


def run_train(options) -> None:
    import dataclasses

    from ..io.places import file_place
    from ..learning.dataset import Dataset, InputChoice, make_split, usable
    from ..learning.quantification.reading import FOLDER as QUANTIFIER
    from ..learning.store import CARD, WEIGHTS
    from ..learning.studies.shipped import FOLDERS

    hyper = {name: getattr(options, name) for name in ("members", "epochs") if getattr(options, name) is not None}
    folder = options.folder or options.shipped and data_directory() / MODELS
    if not folder:
        raise DataError("Name a folder for the model, or give --shipped for those that come with the repository.")
    for each in [folder / name for name in (*FOLDERS.values(), STRUCTURE, QUANTIFIER)] if options.shipped else [folder]:
        for name in (WEIGHTS, CARD):
            file_place(each / name, make=True)
    with opened(options) as db:
        if options.shipped:
            from ..learning.studies.quantify import ship
            from ..learning.studies.shipped import train_shipped
            from ..learning.studies.structure import train_shipped_route

            folders = [
                train_shipped_route(db, folder, seed=options.seed),
                ship(db, folder, seed=options.seed),
                *train_shipped(db, folder, seed=options.seed, report=part_epoch, **hyper),
            ]
            print("\nTrained: " + ", ".join(map(str, folders)))
            return
        from ..learning.store import save
        from ..learning.training import train

        choice = dataclasses.replace(InputChoice(), scalars=("band_gap",) if options.gap else ())
        mask, left_out = usable(db, choice)
        for sentence in left_out:
            print("Left out: " + sentence, file=sys.stderr)
        data = Dataset.from_database(db[mask], choice)
        split = make_split(data, seed=options.seed, include_amorphous=options.amorphous)
        training = train(data, split, seed=options.seed, **hyper)
        try:
            for record in training:
                epoch("pdos+gap" if options.gap else "pdos", record)
        except KeyboardInterrupt:  # stopped by hand: the best weights so far are the model
            training.close()
        print(f"\nTrained: {save(training.model, folder)}")


def epoch(inputs: str, record) -> None:
    """One line that replaces itself on a terminal, and one in ten elsewhere."""
    text = (
        f"{inputs}: epoch {record.epoch}, loss {record.train_loss:.4f}, validation {record.validation_loss:.4f} "
        f"(best {record.best_validation:.4f}), {record.seconds:.1f} s"
    )
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text}", end="", flush=True)
    elif record.epoch % 10 == 0:
        print(text, flush=True)


def part_epoch(inputs: str, progress) -> None:
    """The same of one part of a cross-fitted ensemble."""
    epoch(f"{inputs}, part {progress.part + 1} of {progress.parts}", progress.record)


def progress(done: int, total: int) -> None:
    print(f"\r{done} of {total}", end="" if done < total else "\n", file=sys.stderr, flush=True)


def where(options) -> dict:
    return {"seeds": options.seeds, "workers": options.workers, "scheduler": options.scheduler, "report": progress}


def run_evaluate(options) -> None:
    from ..learning.studies.results import run_evaluation, run_route

    shipped = data_directory() / MODELS
    models = [name for name in options.models or () if name != STRUCTURE]
    if options.json and options.models and not models:
        raise DataError("--json holds the records of models of the PDOS. Name one with --models too, or give --docs.")
    with opened(options) as db:
        if models or not options.models:
            found = run_evaluation(
                db,
                folds=options.folds,
                models=models or None,
                records=options.json,
                docs=options.docs,
                shipped=shipped if shipped.is_dir() and not options.models else None,
                **where(options),
            )
            print_records(found["records"])
        if not options.models or STRUCTURE in options.models:
            stored = shipped if (shipped / STRUCTURE).is_dir() else None
            found = run_route(
                db, seeds=options.seeds, folds=options.folds, docs=options.docs, shipped=stored, report=progress
            )
            print_records(found["records"])


def print_records(records: list[dict]) -> None:
    """A line for each record of an evaluation, by group, best first."""
    for record in sorted(records, key=lambda r: (r["group"], r["mse_median"])):
        coverage = record["coverage_90"]
        covered = "" if coverage is None else f", coverage of the 90 % interval {coverage:.0%}"
        print(
            f"{record['group']:<10} {record['model']:<18} {record['inputs']:<9} "
            f"median MSE {record['mse_median']:.4f}, mean {record['mse_mean']:.4f}, n {record['n']}{covered}"
        )


def run_study(options) -> None:
    from ..learning.studies import quantify
    from ..learning.studies.results import run_study as study

    with opened(options) as db:
        if options.quantify:
            found = quantify.study(db, docs=options.docs, report=progress)
            for record in found["groups"]:
                angle = record["scores"][0]
                print(
                    f"{record['group']:<28} {record['state']:<9} {record['mode']:<7} Si-O-Si angle: mean error {angle['mae']:.1f} "
                    f"degrees, coverage of the 90 % interval {angle['coverage']:.0%}"
                )
            return
        found = study(db, docs=options.docs, **where(options))
    for record in found["choices"]:
        ratio, low, high = record["against_default"]
        print(
            f"{record['choice']:<50} crystals, relative to the mean spectrum {record['crystal']['relative']:.3f}; "
            f"against the defaults {ratio:.2f} ({low:.2f} to {high:.2f})"
        )


def run_search(options) -> None:
    from ..learning.studies.search import search

    grid = {}
    for word in options.grid:
        name, _, values = word.partition("=")
        if name in grid:
            raise DataError(f"{name} is given twice. Give all its values at once, as in width=64,128.")
        try:
            grid[name] = [json.loads(value) for value in values.split(",")]
        except (ValueError, RecursionError):
            raise DataError(f"{shown(word)} is not NAME=VALUE[,VALUE...]. Write for example width=64,128.") from None
    with opened(options) as db:
        for record in search(db, grid, **where(options)):
            chosen = ", ".join(f"{name} {value}" for name, value in record["options"].items())
            print(f"{chosen:<40} median MSE {record['error']:.4f} ({record['low']:.4f} to {record['high']:.4f})")
