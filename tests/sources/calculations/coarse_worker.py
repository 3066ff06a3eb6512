"""The real worker with the real engine, coarse enough for a crystal of three atoms in a minute."""

import sys

import stored_worker

from elnes_lab.sources.calculations.worker import main
from elnes_lab.sources.qe.settings import Settings

COARSE = Settings(k_length=8, k_length_density=6, image_distance=6.0, iterations=400, aliasing=1e-2)

if __name__ == "__main__":
    stored_worker.hurry()
    sys.exit(main(settings=COARSE))
