"""When the kernel of a page ends, and who may talk to it: Voila's classes with the rules of docs/serving.md.

They are named on the command line that voila_settings makes.
"""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from importlib.metadata import EntryPoint

from jupyter_client.provisioning import KernelProvisionerFactory
from jupyter_core.utils import ensure_async
from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError
from traitlets import Integer

from . import kernel_fork

PROTOCOL = "v1.kernel.websocket.jupyter.org"  # what every browser with Voila's page speaks
MOST_PARTS = 4096  # of a message: a header of 8 bytes that claims more would have the server count to 2^64
# bytes of a message without its attachments. Where a page's memory is limited, ZeroMQ (a message) and orjson (lists of a
# million) end the kernel instead of raising MemoryError, and as objects a text takes up to forty times its bytes.
MOST_TEXT = 4 * 2**20
FULL = "All places are taken. Please try again in a few minutes."
REQUEST = ContextVar("the page that is being made", default=None)


# Found by name, as voila_settings asks for it; an entry point of the package would offer it to all of Jupyter.
KernelProvisionerFactory.provisioners[kernel_fork.NAME] = EntryPoint(
    kernel_fork.NAME, f"{kernel_fork.__name__}:ForkProvisioner", KernelProvisionerFactory.GROUP_NAME
)


class DashboardKernels(AsyncMappingKernelManager):
    """Ends what nobody looks at, keeps what was made ready, refuses what the machine cannot hold.

    Jupyter counts any message as activity, so that a training whose page has vanished would run to its end, and ends
    kernels made ready before their visitor comes. Here a page that has vanished is given `abandoned_timeout`, one that
    is connected but in the background `cull_idle_timeout` after the last message, and a kernel made ready stays. What only
    fetches the page, without running it (a robot, a preview of a link), has its place for `unvisited_timeout`: a page that
    is loading slowly asks for its kernel now and then (opening.js).
    """

    abandoned_timeout = Integer(600, config=True, help="Seconds without a connection after which a kernel is ended")
    unvisited_timeout = Integer(
        30, config=True, help="Seconds without a page after which a kernel never connected is ended"
    )
    most_kernels = Integer(0, config=True, help="Number of kernels at once, those made ready included; 0: no limit")

    def __init__(self, **traits) -> None:
        super().__init__(**traits)
        self.alone_since, self.watched_since = {}, {}  # kernel id -> time at which it was first found so
        self.idle_since = {}  # kernel id -> time since which one never visited has nothing to do
        self.asked_for = {}  # kernel id -> time at which its page last asked for it
        self.requests = {}  # of pages that are being made: number -> ids of the kernels started for it
        self.visited = set()  # ids of kernels to which a page has been connected

    @property
    def pools(self) -> dict:
        """Notebook -> tasks that make a page ready; Voila's subclass keeps them, if pages are to be made ready at all."""
        return getattr(self, "_pools", {})

    @property
    def full(self) -> bool:
        return 0 < self.most_kernels <= len(self)

    async def start_kernel(self, *arguments, **options) -> str:
        if self.full:
            raise HTTPError(503, FULL)
        kernel_id = await super().start_kernel(*arguments, **options)
        self.requests.get(REQUEST.get(), set()).add(kernel_id)
        return kernel_id

    @contextlib.contextmanager
    def making_page(self) -> Iterator[None]:
        """While a visitor is sent a page: its kernel waits for the page to be finished, be it for minutes where many come
        at once, and nobody can be connected to it before."""
        number = object()
        token = REQUEST.set(number)
        self.requests[number] = set()
        try:
            yield
        finally:
            del self.requests[number]
            REQUEST.reset(token)

    async def cull_kernels(self) -> None:
        await super().cull_kernels()
        for notebook, tasks in self.pools.items():
            # What failed, for want of a place or of memory, would be handed to a visitor.
            tasks[:] = [task for task in tasks if not (task.done() and task.exception())]
            if not self.full:
                self.fill_if_needed(delay=0, notebook_name=notebook)

    async def cull_kernel_if_idle(self, kernel_id) -> None:
        if kernel_id in self.made_ready() or any(kernel_id in kernels for kernels in self.requests.values()):
            return
        now = time.monotonic()
        if self._kernel_connections.get(kernel_id, 0):
            self.visited.add(kernel_id)
            self.alone_since.pop(kernel_id, None)
            # A kernel made ready long ago has been idle ever since: its visitor's time starts with the visit.
            if now - self.watched_since.setdefault(kernel_id, now) > self.cull_idle_timeout:
                await super().cull_kernel_if_idle(kernel_id)
            return
        self.watched_since.pop(kernel_id, None)
        alone = now - self.alone_since.setdefault(kernel_id, now)
        idle = getattr(self.get_kernel(kernel_id), "execution_state", "") == "idle"
        if kernel_id not in self.visited and idle:
            alone = now - max(self.idle_since.setdefault(kernel_id, now), self.asked_for.get(kernel_id, 0))
            if alone > self.unvisited_timeout:
                self.log.info("No page has connected to kernel %s: it is ended.", kernel_id)
                await ensure_async(self.shutdown_kernel(kernel_id))
            return
        self.idle_since.pop(kernel_id, None)
        if alone > self.abandoned_timeout:
            self.log.info("No page is connected to kernel %s any more: it is ended.", kernel_id)
            await ensure_async(self.shutdown_kernel(kernel_id))

    def notify_connect(self, kernel_id) -> None:
        self.visited.add(kernel_id)  # however short: it may come back
        return super().notify_connect(kernel_id)

    def kernel_model(self, kernel_id) -> dict:
        """What a page is told that asks for its kernel; Voila asks for it itself nowhere else."""
        self.asked_for[kernel_id] = time.monotonic()
        return super().kernel_model(kernel_id)

    def made_ready(self) -> set:
        """Ids of the kernels that wait for a visitor."""
        tasks = [task for tasks in self.pools.values() for task in tasks]
        return {task.result()["kernel_id"] for task in tasks if task.done() and not task.exception()}

    async def shutdown_kernel(self, kernel_id, *arguments, **options) -> None:
        for times in (self.alone_since, self.watched_since, self.idle_since, self.asked_for):
            times.pop(kernel_id, None)
        self.visited.discard(kernel_id)
        return await ensure_async(super().shutdown_kernel(kernel_id, *arguments, **options))


class DashboardConnection(ZMQChannelsWebsocketConnection):
    """Refuses what only a hostile client sends, and what would keep the server, with everybody's page, busy for ever.

    Voila 0.5 reads each message to a page as one of the v1 protocol: with a client of the older protocol, which
    jupyter_server still offers, it takes four bytes of text for a number of parts and starts to list them.
    """

    async def prepare(self) -> None:
        offered = self.websocket_handler.request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [name.strip() for name in offered.split(",")]:
            raise HTTPError(400, f"This server speaks only {PROTOCOL}.")
        # Asked for, it is sent as a cookie, without which Voila refuses to end the kernel of a page that is closed.
        self.websocket_handler.xsrf_token  # noqa: B018
        await super().prepare()

    def handle_incoming_message(self, incoming_msg) -> None:
        if isinstance(incoming_msg, str) or not 5 < int.from_bytes(incoming_msg[:8], "little") < MOST_PARTS:
            self.websocket_handler.close(1003, "not a message")
        elif text_of(incoming_msg) > MOST_TEXT:
            self.websocket_handler.close(1009, "more text than any page sends")
        else:
            super().handle_incoming_message(incoming_msg)


def text_of(message) -> int:
    """Bytes of a v1 message up to the end of its content, the last of five parts whose offsets follow their number."""
    return max(int.from_bytes(message[8 * part : 8 * (part + 1)], "little") for part in range(1, 7))


class DashboardIdentity(PasswordIdentityProvider):
    """Asks for the token below the base URL; Voila 0.5 asks at /login, where a proxy does not bring its visitors."""

    def get_handlers(self) -> list:
        return [(url_path_join(self.parent.server_url, path), *rest) for path, *rest in super().get_handlers()]
