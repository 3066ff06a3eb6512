"""Rows of one's own: finished calculations as a zip of their steps, as a database, or added to the database of a folder.

>>> finished = [one for one in Calculations().every() if one.rows]
>>> add_rows(finished, "my-database")["spectra"]
1
"""

import io
import tempfile
import zipfile
from pathlib import Path

from .build import build, check_steps
from .errors import DataError
from .io.places import folder_place
from .schema import FILE, LICENCE
from .sources.steps import put

README = f"""Computed steps of ELNES Lab ({LICENCE}): for each structure the ground state (ground.npz) and the O K edge of one or more
oxygens (O<number of the atom>.npz); docs/reference/files.md of the repository lists what they hold.

A database of them, for every command and the dashboard:
    elnes-lab build --raw raw --output my-database
More sites of the same structure:
    elnes-lab compute structures/NAME.extxyz --output raw
"""


def files(calculations) -> dict[str, bytes]:
    """Path below a raw folder -> content, of the finished steps of calculations that have a spectrum. DataError if none has."""
    found = {}
    for one in calculations:
        if one.ground is None or not one.rows:
            continue
        for path in (one.ground, *one.rows):
            found.setdefault(f"{one.steps.name}/{path.name}", path.read_bytes())
    if not found:
        raise DataError("No spectrum is finished yet, so there is no row. Wait until the calculation is done.")
    return found


def steps_zip(calculations) -> bytes:
    """A zip with raw/<structure>/<step>.npz, the structures as `elnes-lab compute` takes them, and how to go on."""
    contents = {f"raw/{name}": content for name, content in files(calculations).items()}
    for one in calculations:
        if f"raw/{one.steps.name}/ground.npz" in contents:
            contents[f"structures/{one.steps.name}.extxyz"] = (one.path / "structure.extxyz").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted({**contents, "README.txt": README.encode()}.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def own_database(calculations, scratch: Path) -> bytes:
    """The netCDF file of a database of these rows alone, made in the folder `scratch`, where nothing of it stays."""
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        add_rows(calculations, Path(folder) / "own")
        return (Path(folder) / "own" / FILE).read_bytes()


def add_rows(calculations, folder: Path | str) -> dict:
    """Adds the rows to the database in a folder, made if need be, and their steps to `raw` in it; the counts of
    `Database.info`. What is there already stays. DataError if it cannot be written, or if its steps are elsewhere."""
    contents, folder = files(calculations), folder_place(folder)
    check_steps(folder)
    for name, content in contents.items():
        path = folder / "raw" / name
        if not path.exists():
            put(path, content)
    return build(folder / "raw", folder)
