"""Pseudopotentials on fewer radial points: the same integrals, and no copy where they are not."""

import numpy as np
import pytest
from scipy.special import erf

from elnes_lab.errors import DataError
from elnes_lab.sources.qe import meshes
from elnes_lab.sources.qe.meshes import integrals, mesh_folder, points
from elnes_lab.sources.qe.upf import Pseudopotential

R = np.exp(-7 + 0.0125 * np.arange(1095)) / 8


def element(name: str, values, attributes: str = "") -> str:
    return f"<{name}{attributes}>\n{meshes.lines(np.atleast_1d(values))}</{name}>\n"


def upf(core: float = 0.8) -> str:
    """An ultrasoft pseudopotential of two projectors, as ld1.x writes it, with functions of known shape."""
    sized = f' size="{len(R)}"'
    smooth = lambda l: R ** (l + 1) * np.exp(-((R / 0.5) ** 2))
    index = int(np.searchsorted(R, 1.8)) + 1
    projector = lambda i, l: element(
        f"PP_BETA.{i}",
        np.where(R < 1.8, smooth(l), 0),
        f' index="{i}" angular_momentum="{l}" cutoff_radius_index="{index}"',
    )
    pairs = [(1, 1, 0), (1, 2, 1), (2, 2, 0), (2, 2, 2)]
    return (
        '<UPF version="2.0.1">\n<PP_INFO>\n<PP_INPUTFILE>\n&input a=1 /\n</PP_INPUTFILE>\n</PP_INFO>\n'
        f'<PP_HEADER has_gipaw="true" z_valence="6.000" mesh_size="{len(R)}"/>\n'
        + f'<PP_MESH mesh="{len(R)}" dx="1.25E-2" rmax="100.0">\n{element("PP_R", R)}{element("PP_RAB", R * 0.0125)}</PP_MESH>\n'
        + element("PP_NLCC", np.exp(-((R / core) ** 2)), sized)
        + element("PP_LOCAL", -12 * erf(R / 0.7) / R, sized)
        + f"<PP_NONLOCAL>\n{projector(1, 0)}{projector(2, 1)}{element('PP_DIJ', np.eye(2).ravel())}"
        + f"<PP_AUGMENTATION>\n{element('PP_Q', np.eye(2).ravel())}"
        + "".join(element(f"PP_QIJL.{i}.{j}.{l}", R ** (l + 2) * np.exp(-2 * R**2), sized) for i, j, l in pairs)
        + "</PP_AUGMENTATION>\n</PP_NONLOCAL>\n"
        + element("PP_RHOATOM", R**2 * np.exp(-1.4 * R), sized)
        + f"<PP_GIPAW gipaw_data_format='2'>\n{element('PP_ANYTHING', R, sized)}</PP_GIPAW>\n</UPF>\n"
    )


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    (made / "O.upf").write_text(upf())
    return made


def test_the_copy_integrates_as_the_original_on_a_quarter_of_the_points(folder):
    assert mesh_folder(folder, "full") == folder
    coarse = mesh_folder(folder, "coarse")
    wanted, found = integrals(folder / "O.upf"), integrals(coarse / "O.upf")
    assert wanted.keys() == found.keys() and len(wanted) == 2 + 4 + 3
    for name in wanted:
        assert found[name] == pytest.approx(wanted[name], abs=meshes.TOLERANCE * np.abs(wanted[name]).max()), name
    pseudo, text = Pseudopotential.read(coarse / "O.upf"), (coarse / "O.upf").read_text()
    r, step = points()
    assert len(r) < len(R) / 3 and pseudo.r == pytest.approx(r) and pseudo.rab == pytest.approx(step)
    assert np.gradient(r)[1:-1] == pytest.approx(step[1:-1], rel=1e-3) and len(r) % 2 == 1
    assert (
        f'mesh_size="{len(r)}"' in text
        and f'"{len(R)}"' not in text
        and "GIPAW" not in text
        and 'gipaw="false"' in text
    )
    index = int(text.split('cutoff_radius_index="')[1].split('"')[0])
    assert r[index - 1] >= 1.8 > r[index - 4] and index % 2 == 1
    stamps = {path: path.stat().st_mtime_ns for path in coarse.iterdir()}
    assert mesh_folder(folder, "coarse") == coarse and {p: p.stat().st_mtime_ns for p in coarse.iterdir()} == stamps


def test_what_needs_more_points_is_refused_and_leaves_nothing(folder):
    (folder / "O.upf").write_text(upf(core=0.01))
    with pytest.raises(DataError, match="mesh=full"):
        mesh_folder(folder, "coarse")
    assert [path.name for path in folder.parent.iterdir()] == ["made"]


def test_a_folder_that_was_not_finished_is_made_again(folder):
    coarse = mesh_folder(folder, "coarse")
    (coarse / meshes.FINISHED).unlink()
    (coarse / "O.upf").write_text("cut off")
    assert Pseudopotential.read(mesh_folder(folder, "coarse") / "O.upf").mesh
