"""The commands for measured spectra: elnes-lab match."""

import json
import sys

from ..errors import DataError
from .arguments import number, path, whole, words

MEASURES = ("cosine", "pearson", "slope", "spearman", "mse", "wasserstein")


def add_commands(commands, with_database) -> None:
    """Adds the subcommands to an argparse subparsers object; with_database adds the options that choose the database."""
    match = commands.add_parser(
        "match", help="which spectra of the database a measured one looks like, and of which mixture"
    )
    with_spectrum(match)
    match.add_argument(
        "--sites", action="store_true", help="compare with single sites, not with averages over structures"
    )
    match.add_argument(
        "--measure", choices=MEASURES, default="cosine", help="what decides on the order (default: cosine)"
    )
    match.add_argument(
        "--shifts", type=number(0, 5), default=1.0, metavar="EV", help="largest shift that is tried (default: 1 eV)"
    )
    match.add_argument("--fwhm", type=number(0, 5), help="Gaussian added to the computed spectra, eV (default: fitted)")
    match.add_argument("--top", type=whole(1, 10_000), default=10, help="matches to list (default: 10)")
    match.add_argument(
        "--output", type=path, help="also write the treated spectrum, all steps and results: .csv or .json"
    )
    match.add_argument("--overwrite", action="store_true", help="replace an existing file")
    match.add_argument("--json", action="store_true", help="for programs")
    with_database(match)
    match.set_defaults(run=run_match)

    quantify = commands.add_parser("quantify", help="structure read from a measured spectrum, with 90 %% intervals")
    with_spectrum(quantify)
    quantify.add_argument(
        "--model", type=path, metavar="FOLDER", help="a quantifier (default: the one that comes with it)"
    )
    quantify.add_argument(
        "--held-out",
        type=words,
        metavar="STRUCTURE",
        help="for a spectrum of the database: answer by what never saw this structure's net",
    )
    quantify.add_argument("--json", action="store_true", help="for programs")
    with_database(quantify)
    quantify.set_defaults(run=run_quantify)


def with_spectrum(command) -> None:
    """Adds the options that name a measured spectrum and its treatment; `treated_of` reads them."""
    command.add_argument("file", type=path, help="DM3, DM4, EMSA/MSA, HyperSpy, NeXus, HDF5, .xdi, CSV or text")
    command.add_argument(
        "--item", type=whole(0, 10_000), help="number of the spectrum or column in a file of several, from 0"
    )
    command.add_argument(
        "--region",
        type=whole(0, 10**6),
        nargs=4,
        metavar=("TOP", "BOTTOM", "LEFT", "RIGHT"),
        help="pixels of a spectrum image to add up, BOTTOM and RIGHT excluded (default: all)",
    )
    command.add_argument(
        "--background",
        nargs=2,
        type=number(0, 1000),
        metavar=("LOW", "HIGH"),
        help="window before the edge, eV (default: up to 527 eV, or 531 eV in data that begin late)",
    )
    command.add_argument(
        "--background-kind",
        choices=("power law", "line", "constant", "none"),
        help="curve that is subtracted (default: what suits the spectrum)",
    )
    command.add_argument(
        "--low-loss", type=path, metavar="FILE", help="low-loss spectrum to take plural scattering out with"
    )
    command.add_argument(
        "--offset",
        type=number(-1000, 1000),
        metavar="EV",
        help="energy to add, 0 if the scale is calibrated (default: the edge goes where the database's lie)",
    )


def treated_of(options, db):
    """The Treated of a command's options."""
    from ..io.measured import read
    from ..measured import Background, Calibrate, Deconvolve, Library, suggested, treat

    measured = read(options.file, item=options.item, region=options.region)
    edge = Library(db).usual_edge if options.offset is None else None
    steps = suggested(measured, edge=edge)
    own = next((step for step in steps if isinstance(step, Background)), None)
    kind = options.background_kind or (own.kind if own else "line" if options.background else "none")
    window = options.background or ((own.low, own.high) if own else (steps[0].low, 527.0))
    kept = [steps[0]] if kind == "none" else [steps[0], Background(*window, kind)]
    if options.low_loss:
        kept.append(Deconvolve(read(options.low_loss, around=0.0)))
    return treat(measured, [*kept, Calibrate(offset=options.offset, edge=edge), steps[-1]])


def run_match(options) -> None:
    from ..database import open_database
    from ..io.export import check_free, write_whole
    from ..io.places import file_place
    from ..measured import Library, match, mixture
    from ..measured.fit import fit
    from ..measured.matching import PROVES
    from ..measured.report import as_csv, as_json, record

    if options.output:
        if options.output.suffix.lower() not in (".csv", ".json"):
            raise DataError(f"{options.output} is neither a .csv nor a .json file. Give a name that ends so.")
        check_free(file_place(options.output), options.overwrite)
    with open_database(options.database, verify=not options.no_verify) as db:
        treated = treated_of(options, db)
        spectrum = treated.energy, treated.intensity
        library = Library(
            db, "sites" if options.sites else "structures", fwhm=0.5 if options.fwhm is None else options.fwhm
        )
        choice = {"measure": options.measure, "within": options.shifts}
        found = match(*spectrum, library, **choice)
        best = str(library.labels[found.order[0]])
        laid = fit(*spectrum, library, best, within=options.shifts)
        if options.fwhm is None:
            library.widen(round(laid.fwhm, 2))
            found = match(*spectrum, library, **choice)
            best = str(library.labels[found.order[0]])
            laid = fit(*spectrum, library, best, within=options.shifts)
        mixed = mixture(*spectrum, library, within=options.shifts)
        results = {"matches": found, "overlay": laid, "mixture": mixed}
        if options.output:
            write_whole(
                options.output, (as_csv if options.output.suffix.lower() == ".csv" else as_json)(treated, **results)
            )
        if options.json:
            about = record(treated, **results)
            about["matching"] = found.record(options.top)
            print(json.dumps(about, indent=1))
            return
        for note in treated.notes:
            print(note, file=sys.stderr)
        print("\n".join(f"{stage.record['step']:<14} {stage.text}" for stage in treated.stages))
        head = "  ".join(f"{name:>11}" for name in found.values)
        print(
            f"\n{'shift':>6}  {head}  with {library.fwhm:g} eV of broadening, against {len(library.labels)} {library.what}"
        )
        for i in found.order[: options.top]:
            values = "  ".join(f"{found.values[name][i]:11.4f}" for name in found.values)
            print(f"{found.shift[i]:+6.1f}  {values}  {words_of(library, i)}")
        shares = ", ".join(f"{100 * share:.0f} % {label}" for label, _, share in mixed.parts)
        print(f"\nmixture: {shares}; rms residual {mixed.rms:.3f} of the mean, of the best match {laid.rms:.3f}")
        if found.warning:
            print(found.warning)
        print(PROVES)


def run_quantify(options) -> None:
    from ..database import open_database
    from ..learning import load_quantifier, quantify
    from ..measured.report import record

    with open_database(options.database, verify=not options.no_verify) as db:
        treated = treated_of(options, db)
        # A scale that was moved to the usual edge says nothing about where this edge lies.
        model = load_quantifier(options.model, db=db) if options.model else load_quantifier(db=db)
        found = quantify(
            treated.energy,
            treated.intensity,
            quantifier=model,
            held_out=options.held_out,
            calibrated=False if options.offset is None else None,
        )
    if options.json:
        print(json.dumps(record(treated, quantified=found.to_dict()), indent=1))
        return
    for note in treated.notes:
        print(note, file=sys.stderr)
    print("\n".join(f"{stage.record['step']:<14} {stage.text}" for stage in treated.stages), found, sep="\n\n")


def words_of(library, row) -> str:
    """Label and name of a spectrum of a library."""
    label, name = str(library.labels[row]), str(library.names[row])
    return label if name == label else f"{label} ({name})"
