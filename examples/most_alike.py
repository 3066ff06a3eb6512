"""Which sites of other structures have the spectrum that is most like that of a site, by four measures.

python examples/most_alike.py [SITE]
"""

import sys

import numpy as np

import elnes_lab
from elnes_lab import similarity
from elnes_lab.spectra import cut, normalize

WINDOW = (-1.0, 28.0)  # eV from the onset
MEASURES = {
    "mse": (similarity.mse, 1),
    "cosine": (similarity.cosine, -1),
    "pearson": (similarity.pearson, -1),
    "spearman": (similarity.spearman, -1),
}  # -1: the larger, the more alike


def main(site="quartz-alpha/O3"):
    with elnes_lab.open_database() as db:
        own = db[site]
        others = db.query(f"structure != '{own['structure'][0]}'")
        found = {}
        for name, rows in (("own", own), ("others", others)):
            energy, intensity = rows.curves(zero="onset")
            energy, intensity = cut(energy, intensity, WINDOW)
            found[name] = normalize(energy, intensity, by="mean")
        print(f"{site}: {own['name'][0]}, Si-O-Si {own['si_o_si_angle'][0]:.1f} degrees")
        for measure, (function, sign) in MEASURES.items():
            values = np.array([float(function(found["own"][0], spectrum)) for spectrum in found["others"]])
            for i in np.argsort(sign * values)[:3]:
                print(
                    f"  {measure:<9} {values[i]:.4f}  {others.sites[i]} ({others['name'][i]}, "
                    f"{others['si_o_si_angle'][i]:.1f} degrees)"
                )


if __name__ == "__main__":
    main(*sys.argv[1:2])
