"""docs/computing.md: its options exist, its Slurm script makes the job it describes."""

import re
from pathlib import Path

import pytest

from elnes_lab.cli.program import parser

TEXT = (Path(__file__).parents[1] / "docs" / "computing.md").read_text()


def test_options_in_the_table_are_those_of_the_command():
    compute = parser()._subparsers._group_actions[0].choices["compute"]
    known = {word for action in compute._actions for word in action.option_strings if word.startswith("--")} - {
        "--help"
    }
    table = TEXT[TEXT.index("| option |") : TEXT.index("The exit status")]
    assert set(re.findall(r"`(--[a-z-]+)", table)) == known


def test_the_slurm_script_makes_jobs_of_single_threaded_workers(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed; only clusters with Slurm need it")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "slurm"}
    exec(re.search(r"```python\n(.*?)```", TEXT, re.S)[1], namespace)
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
