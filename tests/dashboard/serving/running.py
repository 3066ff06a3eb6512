"""Voila as a process of a test's own, and what one sees of it from outside."""

import asyncio
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < end, f"still waiting for {what}"
        time.sleep(0.2)
    return value


def finished(work):
    """What a coroutine gives, in a thread of its own: the loop of a browser that another test has opened runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Server:
    """`command` as a process, answering at `url`."""

    def __init__(self, command, port, folder, environment):
        self.url, self.log = f"http://127.0.0.1:{port}/", folder / f"{port}.log"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        until(self.answers, f"the server:\n{self.log.read_text()}")

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            urllib.request.urlopen(f"{self.url}voila/static/labvariables.css", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def kernels(self):
        if self.process.poll() is not None:
            return []
        return [one for one in psutil.Process(self.process.pid).children(recursive=True) if is_kernel(one)]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def is_living(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def is_kernel(process):
    """Whether it is a living kernel, by the name that kernel_fork gives it."""
    try:
        return is_living(process) and process.name().startswith("elnes-")
    except psutil.NoSuchProcess:
        return False


def text_of(url):
    """Status and text of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""
