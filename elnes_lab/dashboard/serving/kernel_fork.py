"""Kernels by fork: a process that has imported the dashboard and built it once starts each page's kernel as a copy.

Starting Python anew for every visitor costs two seconds of a core and 120 MB each, nearly all of it for what is the same
in all of them. While nobody asks for a kernel it reads and judges the shipped models, so that pages opened later have
them, and share their memory, too. Linux only; elsewhere voila_settings leaves the kernels to jupyter_client. Run as a module, this is the
process that forks: it reads requests from a socket, one JSON object a line, and ends when the server closes it.
"""

import asyncio
import gc
import itertools
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator

from jupyter_client.provisioning import LocalProvisioner

NAME = "elnes-fork"  # of the provisioner
IDLE = 10.0  # s without a request before the forking process works ahead: the page just opened may need the core
AVAILABLE = sys.platform == "linux" and hasattr(os, "pidfd_open")


def process_name(kernel_id) -> str:
    """What the process of a kernel is called in `top` and `ps`."""
    return f"elnes-{kernel_id[:8]}"


def free_ports(least: int = 10_000) -> Iterator[int]:
    """Free ports below those that the system gives to connections: one that is free when it is chosen is still so when
    the kernel opens it, though fifty visitors come in between."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as known:
        end = int(known.read().split()[0])
    if end - least < 1000:
        least, end = 10_000, 65_000
    start = random.randrange(least, end)  # another server begins elsewhere
    for number in itertools.count(start):
        port = least + (number - least) % (end - least)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


ports = free_ports()


class ForkProvisioner(LocalProvisioner):
    """Starts a kernel by asking the forking process for a copy of itself, and starts that one when first needed."""

    server = None  # (StreamReader, StreamWriter) of the forking process, shared by all kernels
    lock = asyncio.Lock()  # one request at a time, so that each reads its own answer

    async def pre_launch(self, **options) -> dict:
        if self.parent is not None and self.parent.transport == "tcp" and not self.ports_cached:
            for name in ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port"):
                setattr(self.parent, name, next(ports))
            self.ports_cached = True
        return await super().pre_launch(**options)

    async def launch_kernel(self, cmd, **options) -> dict:
        request = {
            "connection": self.parent.connection_file,
            "name": process_name(self.kernel_id),
            "folder": str(options.get("cwd") or os.getcwd()),
            "environment": dict(options.get("env") or os.environ),
        }
        async with self.lock:
            try:
                self.pid = await self.ask(request)
            except (OSError, ValueError):  # it has ended, its kernels with it: this page shall not suffer for that
                ForkProvisioner.server = None
                self.pid = await self.ask(request)
        self.process, self.pgid = Forked(self.pid), self.pid
        return self.connection_info

    async def ask(self, request) -> int:
        """Process id of the new kernel. Raises OSError or ValueError if the forking process does not answer."""
        if self.server is None:
            ForkProvisioner.server = await self.begin()
        reader, writer = self.server
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        return int(await reader.readline())

    @staticmethod
    async def begin() -> tuple:
        ours, theirs = socket.socketpair()
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server, which ends the kernels in good order
        )
        theirs.close()
        return await asyncio.open_connection(sock=ours)


class Forked:
    """A process that is not our child, with the part of subprocess.Popen that a provisioner needs."""

    stdin = stdout = stderr = None

    def __init__(self, pid) -> None:
        self.pid, self.handle = pid, None
        try:
            self.handle = os.pidfd_open(pid)  # names this process even after its number is given to another one
        except ProcessLookupError:
            pass

    def poll(self) -> int | None:
        """None while it lives, then 0: the status of another's child is not to be had."""
        if self.handle is not None:
            poller = select.poll()
            poller.register(self.handle, select.POLLIN)
            if not poller.poll(0):
                return None
            os.close(self.handle)
            self.handle = None
        return 0

    def wait(self) -> int | None:
        if self.handle is not None:
            poller = select.poll()
            poller.register(self.handle, select.POLLIN)
            poller.poll()
        return self.poll()

    def send_signal(self, number) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self.handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def warm_up() -> None:
    """Import what a page needs and build one, so that a copy finds everything done; nothing of the data is kept."""
    import ipykernel.ipkernel  # noqa: F401
    import ipykernel.kernelapp  # noqa: F401
    from ipywidgets import Widget

    from ...database import open_database
    from .. import frame

    try:
        page = frame.Frame(open_database())
        page.page.webgl = page.page.ready = True
        Widget.close_all()
        del page
    except Exception:  # without data each page says what is wrong; the imports are done in any case
        traceback.print_exc()
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every page of memory that is shared


def kernel(request, control) -> None:
    """In the copy: become the kernel of a page. Does not return."""
    control.close()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    with open("/proc/self/comm", "w") as name:
        name.write(request["name"])
    import ipywidgets
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance()
    # The kernel ends itself when its parent does, which ends when the server does.
    app.initialize(["-f", request["connection"], f"--IPKernelApp.parent_handle={os.getppid()}"])
    ipywidgets.load_ipython_extension(app.shell)  # done by its import only where there is a kernel already
    app.start()


def requested(control, lines, work) -> Iterator[str]:
    """The lines that come; where none comes for a while, `work` is done, item by item, until one does. One line is sent at
    a time, so that none waits in the buffer."""
    while True:
        wait = IDLE
        while work is not None and not select.select([control], [], [], wait)[0]:
            wait = 0
            try:
                work = None if next(work, None) is None else work
            except Exception:  # each page then does it for itself, or says what is wrong
                traceback.print_exc()
                work = None
            gc.freeze()
        line = lines.readline()
        if not line:
            return
        yield line


def main(descriptor) -> None:
    from ..ahead import ahead

    control = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a kernel ended
    warm_up()
    if threading.active_count() > 1:
        print(f"kernels are forked beside threads: {threading.enumerate()}", file=sys.stderr)
    with control.makefile("r") as lines:
        for line in requested(control, lines, ahead()):
            pid = os.fork()
            if pid == 0:
                status = 1
                try:
                    kernel(json.loads(line), control)
                    status = 0
                except SystemExit as end:
                    status = end.code if isinstance(end.code, int) else 1
                except BaseException:
                    traceback.print_exc()
                finally:
                    sys.stdout.flush()
                    os._exit(status)
            control.sendall(f"{pid}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
