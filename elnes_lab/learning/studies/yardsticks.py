"""What plain methods make of the same spectra, so that an error means something: read from the evaluation that came with the data."""

import json
from pathlib import Path

MODELS = ("mean spectrum", "kernel ridge")  # the least that a prediction is worth, and the best plain method
LIMIT = 5 * 2**20  # bytes of the file


def yardsticks(path: Path | str) -> dict[str, dict[str, dict]]:
    """Group ("crystal", "amorphous") -> method -> its record: `mse_median` over spectra of structures that were held out, `n`
    spectra of `structures`, `data` version.

    Of an evaluation as `run_evaluation` writes it, from the PDOS, folds by net; {} where there is none that can be read: a page
    does without.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LIMIT:
            return {}
        records = json.loads(path.read_text())
        found: dict[str, dict[str, dict]] = {}
        for record in records:
            if record["model"] in MODELS and record["inputs"] == "pdos" and record["grouping"] == "net":
                float(record["mse_median"]), int(record["n"]), int(record["structures"]), str(record["data"])
                found.setdefault(record["group"], {})[record["model"]] = record
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found
