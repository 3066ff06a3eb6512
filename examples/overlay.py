"""Three spectra on the scale of experimental energy loss with their PDOS: a figure for the browser and a table.

python examples/overlay.py [FOLDER]          writes overlay.html and overlay.csv
"""

import sys
from pathlib import Path

import elnes_lab
from elnes_lab.figures.browse import spectrum_overlay
from elnes_lab.io.export import export


def main(folder):
    with elnes_lab.open_database() as db:
        glass = db.query("kind == 'amorphous'").sites[0]
        rows = db[["quartz-alpha/O3", "stishovite/O2", glass]]
        shared = {"zero": "loss", "fwhm": 0.5}  # eV: about the resolution of a monochromated microscope
        energy, intensity = rows.curves(**shared)
        pdos_energy, pdos = rows.pdos_curves("O p", **shared)
        figure = spectrum_overlay(
            energy,
            intensity,
            pdos_energy=pdos_energy,
            pdos=pdos,
            zero="loss",
            energy_range=(533, 563),
            names=[f"{name} O{atom}" for name, atom in zip(rows["name"], rows["atom"])],
        )
        figure.write_html(folder / "overlay.html", include_plotlyjs=True)
        export(rows, folder / "overlay.csv", **shared, overwrite=True)
    for label, spectrum in zip(rows.sites, intensity):
        print(f"{label}: highest point at {energy[spectrum.argmax()]:.1f} eV of energy loss")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
