"""What a broad beam sees: the average over all sites of a structure, each as often as it occurs in the cell.

python examples/average.py [FOLDER] [STRUCTURE]          writes average.csv
"""

import csv
import sys
from pathlib import Path

import numpy as np

import elnes_lab


def main(folder, structure="coesite"):
    with elnes_lab.open_database() as db:
        rows = db.query(f"structure == '{structure}'")
        if not len(rows):
            sys.exit(f"There is no structure {structure!r}. There are: {', '.join(db.structures)}")
        energy, intensity = rows.curves(zero="onset")
        often = rows["multiplicity"]
        average = np.average(intensity, axis=0, weights=often)
        with open(folder / "average.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["energy above the onset (eV)", "average (bohr^2/eV)", *rows.sites])
            writer.writerows(zip(energy, average, *intensity))
    inside = (energy > -2) & (energy < 30)
    scale = average[inside].mean()
    for label, count, spectrum in zip(rows.sites, often, intensity):
        far = np.mean(((spectrum - average)[inside] / scale) ** 2)
        print(f"{label}: {count} of {often.sum()} oxygens, MSE from the average {far:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."), *sys.argv[2:3])
