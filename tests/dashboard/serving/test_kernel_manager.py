"""When a kernel is ended to which no page has connected: not before its page was made, however long that takes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from elnes_lab.dashboard.serving import kernel_manager
from elnes_lab.dashboard.serving.kernel_manager import DashboardKernels


@pytest.fixture
def served(monkeypatch):
    """Kernels of which each is only a name and a state; `now` is their clock, `ended` what was shut down."""
    found = SimpleNamespace(now=1000.0, state="idle", ended=[], kernels=DashboardKernels(unvisited_timeout=30))

    async def start(self, *arguments, **options):
        return "a"

    async def end(self, kernel_id, *arguments, **options):
        found.ended.append(kernel_id)

    monkeypatch.setattr(AsyncMappingKernelManager, "start_kernel", start)
    monkeypatch.setattr(AsyncMappingKernelManager, "shutdown_kernel", end)
    monkeypatch.setattr(DashboardKernels, "get_kernel", lambda self, name: SimpleNamespace(execution_state=found.state))
    monkeypatch.setattr(kernel_manager.time, "monotonic", lambda: found.now)
    found.kernels._kernel_connections = {}
    return found


def run(work) -> None:
    """In a thread: that of the tests may have the loop of a browser running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def test_a_page_in_the_making_keeps_its_kernel_and_a_page_never_fetched_does_not(served):
    async def visit():
        with served.kernels.making_page():
            await served.kernels.start_kernel()
            for _ in range(3):  # idle: the kernel waits for its cell, or the server, with fifty others, for its answer
                served.now += 100
                await served.kernels.cull_kernel_if_idle("a")
        assert not served.ended
        await served.kernels.cull_kernel_if_idle("a")
        served.now += 29
        await served.kernels.cull_kernel_if_idle("a")
        assert not served.ended
        served.now += 2
        await served.kernels.cull_kernel_if_idle("a")
        assert served.ended == ["a"] and not served.kernels.requests

    run(visit())


def test_the_time_without_a_page_begins_when_the_kernel_has_done_its_work(served):
    async def work():
        await served.kernels.start_kernel()
        served.state = "busy"
        for _ in range(3):
            served.now += 100
            await served.kernels.cull_kernel_if_idle("a")
        served.state = "idle"
        await served.kernels.cull_kernel_if_idle("a")
        assert not served.ended
        served.state = "busy"
        served.now += 401
        await served.kernels.cull_kernel_if_idle("a")
        assert served.ended == ["a"]  # busy for ever, and nobody there: after `abandoned_timeout`

    run(work())
