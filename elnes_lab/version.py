"""Version of the package; read by packaging without importing anything else."""

VERSION = "0.1.0"
