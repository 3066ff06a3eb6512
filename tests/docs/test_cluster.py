"""The Slurm script of docs/how-to/compute.md makes the jobs that the page describes."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "compute.md"


def test_the_slurm_script_makes_jobs_of_single_threaded_workers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "slurm"}
    exec(re.search(r"```python\n(from time.*?)```", PAGE.read_text(), re.S)[1], namespace)
    with namespace["cluster"]() as cluster:
        script = cluster.job_script()
    for words in (
        "#SBATCH --cpus-per-task=16",
        "#SBATCH -t 24:00:00",
        "--nthreads 1",
        "--nworkers 16",
        "export OMP_NUM_THREADS=1",
        "--lifetime 23h",
        f":{8786} ",
    ):
        assert words in script
