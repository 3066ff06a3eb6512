"""A visitor without a browser: gets the page, talks to its kernel as the widgets do. For load tests and for a look from afar."""

import asyncio
import json
import re
import uuid
from urllib.parse import urlencode, urljoin, urlsplit

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

from .kernel_manager import PROTOCOL

PAGE_CONFIG = re.compile(r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', re.S)
LARGEST = 256 * 2**20


class Viewer:
    """One open page of a dashboard served at `url`; close it with `close()`, or leave without a word with `vanish()`.

    widgets: model id -> state as the kernel last told it all; kernel_id and cookies: as the server gave them.
    Everything that waits raises TimeoutError after `patience` seconds.
    """

    def __init__(self, url, *, patience=120.0) -> None:
        self.url, self.patience = url, patience
        self.session, self.cookies, self.widgets = uuid.uuid4().hex, {}, {}
        self.waiting = {}  # id of a request -> [future, answers so far]

    async def open(self) -> "Viewer":
        """Load the page and the state of its widgets, then report as ready, as page.js does. Returns self."""
        page = await self.get(self.url)
        config = PAGE_CONFIG.search(page)
        if config is None:
            raise ConnectionError(f"{self.url} is no dashboard: {page[:200]!r}")
        config = json.loads(config[1])
        self.kernel_id, self.base = config["kernelId"], urljoin(self.url, config["baseUrl"])
        await self.connect()
        await self.refresh()
        for name, state in self.widgets.items():
            if "plotly_version" in state:
                await self.tell(name, {"type": "rendered"})
        page = self.find(lambda state: "elnes-theme" in state.get("_esm", ""))
        await self.tell(page, {"type": "ready", "webgl": True, "query": urlsplit(self.url).query})
        return self

    async def connect(self) -> None:
        """Connect to the kernel."""
        target = urljoin(self.base, f"api/kernels/{self.kernel_id}/channels?session_id={self.session}")
        request = HTTPRequest(target.replace("http", "ws", 1), headers=self.headers(), request_timeout=self.patience)
        self.socket = await websocket_connect(request, subprotocols=[PROTOCOL], max_message_size=LARGEST)
        self.reader = asyncio.ensure_future(self.read())
        self.keep_cookies(self.socket.headers)

    async def refresh(self) -> None:
        """Ask for the present state of all widgets."""
        self.widgets, comm = {}, uuid.uuid4().hex
        await self.ask("comm_open", {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}})
        for _, content in await self.ask("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}}):
            for name, model in content.get("data", {}).get("states", {}).items():
                self.widgets[name] = model["state"]

    def headers(self) -> dict:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}

    async def get(self, url) -> str:
        """Text of a document; its cookies are kept."""
        client = AsyncHTTPClient(force_instance=True, max_body_size=LARGEST)
        try:
            reply = await client.fetch(
                url, headers=self.headers(), connect_timeout=self.patience, request_timeout=self.patience
            )
        finally:
            client.close()
        self.keep_cookies(reply.headers)
        return reply.body.decode()

    def keep_cookies(self, headers) -> None:
        for cookie in headers.get_list("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value

    def find(self, wanted) -> str:
        """Id of the one widget for whose state `wanted(state)` is true."""
        found = [name for name, state in self.widgets.items() if wanted(state)]
        if len(found) != 1:
            raise LookupError(f"{len(found)} of {len(self.widgets)} widgets are as wanted, not one")
        return found[0]

    async def tell(self, widget, content) -> list:
        """Send a custom message to a widget; returns the answers of the kernel."""
        return await self.ask("comm_msg", {"comm_id": widget, "data": {"method": "custom", "content": content}})

    async def change(self, widget, **state) -> list:
        """Set traits of a widget as a user would; returns the (type, content) of all the kernel says until it is idle."""
        data = {"method": "update", "state": state, "buffer_paths": []}
        return await self.ask("comm_msg", {"comm_id": widget, "data": data})

    async def ask(self, kind, content) -> list:
        """Send a message; returns the (type, content) of all the kernel says until it is idle."""
        future = await self.send(kind, content)
        return await asyncio.wait_for(future, self.patience)

    async def send(self, kind, content) -> asyncio.Future:
        """Send a message; the future gets what `ask` returns."""
        name = uuid.uuid4().hex
        header = {"msg_id": name, "session": self.session, "username": "", "msg_type": kind, "version": "5.3"}
        parts = [json.dumps(part).encode() for part in (header, {}, {"version": "1.0.0"}, content)]
        future = asyncio.get_running_loop().create_future()
        self.waiting[name] = [future, []]
        await self.socket.write_message(serialize_msg_to_ws_v1(parts, "shell"), binary=True)
        return future

    async def read(self) -> None:
        while (packed := await self.socket.read_message()) is not None:
            channel, parts = deserialize_msg_from_ws_v1(packed)
            header, parent, metadata, content = map(json.loads, parts[:4])
            request = self.waiting.get(parent.get("msg_id"))
            if request is None or channel != "iopub":
                continue
            if header["msg_type"] != "status":
                request[1].append((header["msg_type"], content))
            elif content["execution_state"] == "idle":
                del self.waiting[parent["msg_id"]]
                request[0].set_result(request[1])
        for future, _ in self.waiting.values():
            future.cancelled() or future.set_exception(ConnectionError(f"closed ({self.socket.close_code})"))
        self.waiting.clear()

    async def close(self) -> None:
        """Leave as a browser does when its page is closed: the kernel is ended by the server."""
        client = AsyncHTTPClient(force_instance=True)
        try:
            shutdown = urljoin(self.base, f"voila/api/shutdown/{self.kernel_id}")
            body = urlencode({"_xsrf": self.cookies.get("_xsrf", "")})
            await client.fetch(
                shutdown, method="POST", body=body, headers=self.headers(), request_timeout=self.patience
            )
        finally:
            client.close()
        self.vanish()

    def vanish(self) -> None:
        """Cut the connection, as a browser that crashed or lost its network."""
        self.socket.close()
