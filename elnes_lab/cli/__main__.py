"""`python -m elnes_lab.cli`, as the command `elnes-lab`."""

import sys

from . import main

sys.exit(main())
