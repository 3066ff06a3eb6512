"""What other settings change and cost: steps of one folder against those of the same names in another.

    elnes-lab compute data/raw/structures.extxyz --output data/raw --recompute stishovite --quality fine
    python benchmarks/settings.py data/raw.queue/replaced data/raw

Spectra: MSE of isotropic spectra of mean 1 about their lowest empty levels, as they are and after the rigid shift that brings
them together best (as `elnes-lab converge` compares); onset: by how much the absolute one moves. Ground states: electrons that the
DOS misses below the gap; rms difference of the mean O p PDOS about the lowest empty level, from 1 eV below it to where the bands
end, broadened by 1 eV, relative to its mean. Seconds are those that the files record, each of the machine and the load of its time.
"""

import argparse
from pathlib import Path

import numpy as np

from elnes_lab.errors import DataError
from elnes_lab.sources.checks import electron_error
from elnes_lab.sources.qe.convergence import Variant, compare
from elnes_lab.sources.quantum_espresso import CoreHoleSite, GroundState, read_ground, read_site

OVER = 1.0  # eV (FWHM) that PDOS are broadened by: what meshes of k points differ by below that is noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    before, after = (getattr(parser.parse_args(), name) for name in ("before", "after"))
    for folder in (before, after):
        if not folder.is_dir():
            parser.error(f"{folder} is no folder of steps (<structure>/ground.npz, <structure>/O<i>.npz). Name one.")
    grounds, spectra = [], []
    for folder in sorted(path for path in before.iterdir() if path.is_dir()):
        for old in sorted(folder.glob("*.npz")):
            name = old.name.split(".")[0]  # <step>.<digest>.npz where they were replaced
            new = after / folder.name / f"{name}.npz"
            try:
                if name == "ground":
                    grounds.append((folder.name, read_ground(old), read_ground(new)))
                else:
                    spectra.append((f"{folder.name}/{name}", *(site(path, before, after) for path in (old, new))))
            except (DataError, OSError) as problem:
                print(f"{folder.name}/{name} is left out: {problem}")
    spectra = [line for line in spectra if not np.array_equal(line[1][0].strength, line[2][0].strength)]
    grounds = [line for line in grounds if not np.array_equal(line[1].dos, line[2].dos)]
    if spectra:
        print_spectra(spectra)
    if grounds:
        print_grounds(grounds)
    if not spectra and not grounds:
        print("No step of the first folder has another result in the second.")


def site(path: Path, before: Path, after: Path) -> tuple[CoreHoleSite, GroundState]:
    """A spectrum and the ground state that shares its supercell, of the same folder or, where it was left alone, of the other."""
    for folder in (path.parent, before / path.parent.name, after / path.parent.name):
        for ground in sorted(folder.glob("ground*.npz")):
            try:
                found = read_ground(ground)
                return read_row(path, found), found
            except DataError:
                continue
    raise DataError("no ground state shares its supercell")


def read_row(path: Path, ground: GroundState) -> CoreHoleSite:
    return read_site(path.with_name(path.name.split(".")[0] + ".npz"), ground, path.read_bytes())


def print_spectra(lines: list) -> None:
    print("\n| row | settings | atoms | Å between holes | s | MSE | shifted | by (eV) | onset (eV) |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for label, (old, ground), (new, other) in lines:
        found = compare(variant(new), variant(old))
        moved = onset(new, other) - onset(old, ground)
        print(
            f"| {label} | {old.settings} → {new.settings} | {pair(atoms(old, ground), atoms(new, other))} | "
            f"{old.image_distance:.1f} → {new.image_distance:.1f} | {pair(old.seconds, new.seconds)} | {found['mse']:.4f} | "
            f"{found['mse_aligned']:.4f} | {found['shift_eV']:+.2f} | {moved:+.2f} |"
        )


def print_grounds(lines: list) -> None:
    print("\n| ground state | settings | s | gap (meV) | electrons missed (%) | O p, rms |")
    print("|---|---|---:|---:|---:|---:|")
    apart = []
    for label, old, new in lines:
        gap = 1000 * (new.band_gap - old.band_gap)
        difference = p_difference(old, new)
        apart.append((abs(gap), difference))
        missed = " → ".join(f"{-100 * electron_error(one):+.1f}" for one in (old, new))
        print(
            f"| {label} | {old.settings} → {new.settings} | {pair(old.seconds, new.seconds)} | {gap:+.1f} | {missed} | "
            f"{100 * difference:.1f} % |"
        )
    gap, difference = np.median(apart, axis=0)
    print(f"\nmedian: gap {gap:.1f} meV apart, O p {100 * difference:.1f} %")


def p_difference(old: GroundState, new: GroundState) -> float:
    """rms difference of the mean O p PDOS of two ground states, of its mean."""
    from elnes_lab.spectra import broaden

    axis = np.arange(-1.0, min(one.top - one.band_gap for one in (old, new)) - OVER, 0.05)
    curves = []
    for ground in (old, new):
        mean = ground.pdos_p[ground.symbols == "O"].mean(0)
        curve = broaden(ground.energy, mean, gaussian_fwhm=OVER)
        curves.append(np.interp(axis, ground.energy - ground.band_gap, curve))
    return float(np.sqrt(np.mean((curves[1] - curves[0]) ** 2)) / curves[0].mean())


def variant(row: CoreHoleSite) -> Variant:
    return Variant("", None, 0, 0, 0.0, row.energy - (row.lumo - row.homo), row.strength)


def onset(row: CoreHoleSite, ground: GroundState) -> float:
    """eV, up to a constant: total energy of the charged cell with an electron in its lowest empty level."""
    return row.total_energy + row.lumo - ground.supercell_energy


def atoms(row: CoreHoleSite, ground: GroundState) -> int:
    return len(ground.symbols) * round(abs(np.linalg.det(row.supercell)))


def pair(old: float, new: float) -> str:
    return f"{old:.0f} → {new:.0f}" if round(old) != round(new) else f"{new:.0f}"


if __name__ == "__main__":
    main()
