"""A server for a test, with the settings that the test asks for."""

import sys
from pathlib import Path

import pytest

from elnes_lab.dashboard.serving import voila_settings

sys.path.insert(0, str(Path(__file__).parent))
from running import ROOT, Server, free_port  # noqa: E402


@pytest.fixture
def start(tmp_path):
    """Function that starts Voila with some settings; all are stopped at the end."""
    servers = []

    def start(*, environment=None, memory=0, **settings):
        port = free_port()
        everything = voila_settings.environment(memory=memory) | {"PYTHONPATH": str(ROOT)} | (environment or {})
        servers.append(Server(voila_settings.command(port=port, **settings), port, tmp_path, everything))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.stop()
