"""From a structure to its spectra, against the first-principles time that the database records of the same structures.

Ratios of one run: seconds here are those of this machine, those of the database of one core of the machine that computed it.

    python benchmarks/structure.py
"""

import io
import time

import numpy as np

from elnes_lab import open_database
from elnes_lab.learning import predict_structure

STRUCTURES = ("quartz-alpha", "coesite", "glass-131")
REPEATS = 3


def main() -> None:
    from ase.io import write

    from elnes_lab import descriptors

    db = open_database()
    start = time.perf_counter()
    predict_structure(db.atoms(STRUCTURES[0]))
    print(f"first structure, libraries and model included: {time.perf_counter() - start:.2f} s\n")
    print(
        "structure      atoms  sites  here (s)  here, CPU (s)  ground state (s)  core holes (s)  ratio, wall  ratio, CPU"
    )
    for name in STRUCTURES:
        rows = db[np.asarray(db["structure"]) == name]
        text = io.StringIO()
        write(text, db.atoms(name), format="extxyz")
        walls, cpus = [], []
        for _ in range(REPEATS):
            descriptors.cache.clear()
            wall, cpu = time.perf_counter(), time.process_time()
            found = predict_structure(text.getvalue().encode(), f"{name}.xyz")
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        ground, holes = float(rows["ground_seconds"][0]), float(rows["seconds"].sum())
        wall, cpu = min(walls), min(cpus)
        print(
            f"{name:<13} {len(found.crystal.atoms):>6} {len(found.crystal.sites):>6} {wall:>9.2f} {cpu:>14.2f} {ground:>17.0f} "
            f"{holes:>15.0f} {(ground + holes) / wall:>12.0f} {(ground + holes) / cpu:>11.0f}"
        )


if __name__ == "__main__":
    main()
