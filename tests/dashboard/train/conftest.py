"""The Train panel's model with an event loop to step through by hand."""

import threading

import pytest

from elnes_lab.dashboard.session import Session
from elnes_lab.dashboard.train.model import TrainModel


class Loop:
    """An event loop to step through by hand: what threads post is done by `run`, in this thread."""

    def __init__(self):
        self.calls, self.ready = [], threading.Condition()

    def post(self, function, *arguments):
        with self.ready:
            self.calls.append((function, arguments))
            self.ready.notify()

    def run_until(self, done, timeout=60):
        while not done():
            with self.ready:
                assert self.calls or self.ready.wait(timeout), "nothing was posted"
                function, arguments = self.calls.pop(0)
            assert threading.current_thread() is threading.main_thread()
            function(*arguments)


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def model(shipped, loop):
    made = TrainModel(Session(shipped), post=loop.post)
    yield made
    made.close()
