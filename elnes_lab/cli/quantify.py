"""elnes-lab quantify: structure read from one spectrum in a file."""
import json
import sys

from ..errors import DataError
from .arguments import path, words


def add_commands(commands) -> None:
    """Adds the subcommand to an argparse subparsers object."""
    quantify = commands.add_parser(
        "quantify", help="structure from an O K-edge spectrum in a file: angle, lengths, density, each with its 90 %% interval")
    quantify.add_argument("path", type=path, help="file with a spectrum, e.g. two columns: eV and intensity")
    quantify.add_argument("--shape", action="store_true",
                          help="the energy scale is not calibrated: read the shape of the spectrum alone")
    quantify.add_argument("--model", type=path, metavar="FOLDER", help="a quantifier (default: the one that comes with it)")
    quantify.add_argument("--held-out", type=words, metavar="STRUCTURE",
                          help="for a spectrum of the database: answer by what never saw this structure's net")
    quantify.add_argument("--json", action="store_true", help="for programs; with the radial distributions")
    quantify.set_defaults(run=run_quantify)


def run_quantify(options) -> None:
    from ..learning import load_quantifier, quantify

    energy, intensity, notes = spectrum(options.path)
    model = load_quantifier(options.model) if options.model else None
    found = quantify(energy, intensity, quantifier=model, calibrated=False if options.shape else None,
                     held_out=options.held_out)
    if options.json:
        said = found.to_dict()
        print(json.dumps(said | {"notes": [*notes, *said["notes"]]}, indent=1))
        return
    for note in (*notes, *found.notes):
        print(note, file=sys.stderr)
    for one in found.properties:
        print(f"{one.name:<34}{one}")
    how = "and its place on the energy-loss scale" if found.mode == "placed" else "alone"
    print(f"90 % intervals for new structures. Read: the shape of the spectrum {how}; zero at {found.zero:.2f} eV.")


def spectrum(file):
    """Energy (n,) in eV, intensity (n,) and notes (texts) of the spectrum in a text file: the first two numbers of each
    line, whatever stands between them; lines that begin otherwise are passed over."""
    from ..io.measured import BINARY
    from ..learning.card import read_bytes

    if file.suffix.lower() in (*BINARY, ".msa", ".emsa", ".ems", ".xdi"):  # as an instrument wrote it: with its background
        from ..io.measured import read
        from ..measured import treat

        treated = treat(read(file))
        steps = "; ".join(f"{stage.record['step']}: {stage.text}" for stage in treated.stages)
        return treated.energy, treated.intensity, (*treated.notes, f"Steps: {steps}.")
    try:
        lines = read_bytes(file, 2**26).decode("utf-8", "replace").splitlines()
    except DataError as problem:
        raise DataError(str(problem).replace("Train it again with `elnes-lab train`, or fetch it again.",
                                             "Name a text file with two columns: eV and intensity.")) from None
    rows = []
    for line in lines:
        cells = line.replace(",", " ").replace(";", " ").split()[:2]
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            continue
    rows = [row for row in rows if len(row) == 2]
    if not rows:
        raise DataError(f"{file} has no two columns of numbers. Give a text file with energies in eV and intensities.")
    return [row[0] for row in rows], [row[1] for row in rows], ()
