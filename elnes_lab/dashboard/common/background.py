"""Work that would hold up the page, done in a thread, its result handed over on the kernel's event loop."""

import asyncio
import threading


class Background:
    """`start(work, done)` calls `done(result, problem)` with what `work()` returned or raised, one of them None.

    Only the newest work is handed over, and one is done at a time: what a newer one has replaced while it waited is not begun.
    Without a running event loop (a script, a test) everything happens at once.
    """

    def __init__(self) -> None:
        self.number, self.lock = 0, threading.Lock()

    def forget(self) -> None:
        """Hand over nothing of what was started before."""
        self.number += 1

    def start(self, work, done) -> None:
        self.number += 1
        number = self.number
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            done(*self._result(work))
            return

        def run() -> None:
            with self.lock:
                if number != self.number:
                    return
                result = self._result(work)
            try:
                loop.call_soon_threadsafe(lambda: number == self.number and done(*result))
            except RuntimeError:
                pass  # the kernel has ended meanwhile

        threading.Thread(target=run, daemon=True).start()

    @staticmethod
    def _result(work) -> tuple:
        try:
            return work(), None
        except Exception as problem:
            return None, problem
