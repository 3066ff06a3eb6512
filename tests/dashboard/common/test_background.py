"""Work in a thread and its result on the loop."""

import asyncio
import threading
import time

from elnes_lab.dashboard.common.background import Background


def test_work_in_the_background_leaves_the_loop_free_and_only_the_newest_counts():
    async def run():
        background, release, found = Background(), threading.Event(), []
        background.start(lambda: release.wait(5) and "old", lambda *result: found.append(result))
        background.start(lambda: release.wait(5) and "new", lambda *result: found.append(result))
        assert found == []  # start returned although the work waits
        release.set()
        end = time.monotonic() + 5
        while not found and time.monotonic() < end:
            await asyncio.sleep(0.01)
        background.start(lambda: 1 / 0, lambda *result: found.append(result))
        while len(found) < 2 and time.monotonic() < end:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        return found

    (result, problem), (nothing, error) = asyncio.run(run())
    assert (result, problem) == ("new", None) and nothing is None and isinstance(error, ZeroDivisionError)
