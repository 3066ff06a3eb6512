"""What the server answers to requests and messages from outside: who is let in, what is refused, what is told."""

import asyncio
import http.client
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from elnes_lab.dashboard.serving import viewer as viewer_module
from elnes_lab.dashboard.serving.viewer import Viewer

sys.path.insert(0, str(Path(__file__).parent))
from running import PATIENCE, ROOT, finished, until  # noqa: E402


def ask(url, path, *, method="GET", host=None):
    """Status and text of an answer; the path goes out as it is."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    connection.request(method, path, headers={"Host": host} if host else {})
    reply = connection.getresponse()
    return reply.status, reply.read().decode(errors="replace")


UNKNOWN = "12345678-1234-1234-1234-123456789012"
NOWHERE = [
    "nothing",
    "nothing/else.html",
    "favicon.ico",
    "login",
    "logout",
    "%00",
    "voila/files/x",
    "voila/files/../../etc/passwd",
    "voila/static/nope.js",
    "voila/static/",
    "voila/static/../voila.js",
    "voila/static/%00",
    f"voila/static/{'a' * 300}",
    "voila/templates/",
    "voila/templates/x",
    "voila/templates/elnes",
    "voila/templates/elnes/%00",
    "voila/templates/../static/x",
    "voila/templates/elnes/static/../../../../../../../etc/passwd",
    "voila/labextensions/",
    "voila/labextensions/%00",
    "voila/api/themes/x",
    "voila/api/contents/",
    "voila/render/x",
    "voila/tree",
    f"voila/query/{UNKNOWN}",
    f"api/kernels/{UNKNOWN}",
    f"api/kernels/{UNKNOWN}/channels",
    "api/kernels",
    "api/kernels/x",
    "api/contents",
    "api/terminals",
]


def test_what_does_not_exist_is_404_and_strange_hosts_are_refused(start):
    server = start(hostnames=["elnes.example.org"])
    for path in NOWHERE:
        status, page = ask(server.url, f"/{path}")
        assert status in (404, 405), (path, status)  # 405: ends a kernel, not with GET
        assert "Traceback" not in page and str(ROOT) not in page, path
        assert ask(server.url, f"/{path}", method="POST")[0] in (403, 404, 405), path
    static = "/voila/static/voila.js"
    for path in ("/", static, f"/api/kernels/{UNKNOWN}", f"/api/kernels/{UNKNOWN}/channels", "/nothing"):
        for host in ("evil.example", "127.0.0.1.evil.example:8866", "localhost.evil.example"):
            status, page = ask(server.url, path, host=host)
            assert status == 403 and "--hostname" in page, (path, host)
    for host in ("localhost", "LOCALHOST:80", "[::1]:8866", "127.0.0.2", "elnes.example.org", "Elnes.Example.org:443"):
        assert ask(server.url, static, host=host)[0] == 200, host
    assert server.kernels() == []


HOSTILE = [None, [], {}, "x", -1, 1e308, [None], [[1]], {"a": 1}, "/etc/passwd", True, [10**12]]


def test_hostile_messages_tell_the_client_nothing_of_the_inside(start):
    server = start(memory=600)

    async def attack():
        viewer = await Viewer(server.url, patience=PATIENCE).open()
        heard, deserialize = [], viewer_module.deserialize_msg_from_ws_v1

        def listen(packed):
            channel, parts = deserialize(packed)
            if b'"comm_msg"' not in parts[0]:  # states, in which a text of the page may hold anything
                heard.append(b" ".join(parts).decode(errors="replace"))
            return channel, parts

        viewer_module.deserialize_msg_from_ws_v1 = listen
        try:
            for widget, state in list(viewer.widgets.items()):
                names = [name for name in state if not name.startswith("_") and name not in ("layout", "style")]
                for number, name in enumerate(names[:6]):
                    wrong = HOSTILE[(number + len(state)) % len(HOSTILE)]
                    # Not waited for one by one: the kernel answers in order.
                    await viewer.send(
                        "comm_msg",
                        {"comm_id": widget, "data": {"method": "update", "state": {name: wrong}, "buffer_paths": []}},
                    )
            for data in (
                {"method": "nonsense"},
                {},
                {"method": "custom", "content": None},
                {"method": "custom", "content": {"type": []}},
            ):
                for widget in list(viewer.widgets)[:40]:
                    await viewer.send("comm_msg", {"comm_id": widget, "data": data})
            await viewer.send("comm_open", {"comm_id": "x", "target_name": "nowhere", "data": {}})
            await viewer.refresh()  # it still answers
            assert len(viewer.widgets) > 100
        finally:
            viewer_module.deserialize_msg_from_ws_v1 = deserialize
        await viewer.close()
        return heard

    heard = finished(attack())
    leaks = [
        text
        for text in heard
        if "Traceback" in text or str(ROOT) in text or "site-packages" in text or 'File \\"' in text
    ]
    assert not leaks, f"{len(leaks)} of {len(heard)}: {leaks[0][:500]}"
    assert "Traceback" in server.log.read_text()  # where it belongs
    assert len(server.kernels()) == 0 or until(lambda: not server.kernels(), "the end of the kernel")


def test_a_token_is_asked_for(start):
    server = start(token=True, environment={"JUPYTER_TOKEN": "open-sesame"})
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def log_in(token):
        with browser.open(server.url) as reply:
            page = reply.read().decode()
        assert "complete link" in page and "elnes-skeleton" not in page
        action, guard = re.search(r'action="([^"]+)"', page)[1], re.search(r'name="_xsrf" value="([^"]+)"', page)[1]
        form = urllib.parse.urlencode({"password": token, "_xsrf": guard}).encode()
        return browser.open(urllib.parse.urljoin(server.url, action), form).read().decode()

    with pytest.raises(urllib.error.HTTPError) as refusal:
        log_in("wrong")
    assert refusal.value.code == 401 and "Invalid" in refusal.value.read().decode()
    assert server.kernels() == []
    assert "elnes-skeleton" in log_in("open-sesame")
    assert "open-sesame" not in " ".join(psutil.Process(server.process.pid).cmdline())

    async def visit():
        viewer = await Viewer(f"{server.url}?token=open-sesame&sites=", patience=PATIENCE).open()
        stranger = Viewer(server.url, patience=10)
        stranger.kernel_id, stranger.base = viewer.kernel_id, server.url
        with pytest.raises(Exception, match="403"):
            await stranger.connect()
        await viewer.close()

    finished(visit())


def test_clients_that_would_stall_the_server_are_refused(start):
    from tornado.websocket import websocket_connect

    server = start()

    async def attack():
        viewer = await Viewer(server.url, patience=PATIENCE).open()
        address = f"{server.url}api/kernels/{viewer.kernel_id}/channels".replace("http", "ws", 1)
        with pytest.raises(Exception, match="400"):
            await websocket_connect(address)
        other = await Viewer(server.url, patience=PATIENCE).open()
        await other.socket.write_message((2**60).to_bytes(8, "little") + b"x" * 32, binary=True)
        assert await asyncio.wait_for(other.reader, 30) is None  # the connection is closed
        await other.connect()
        with pytest.raises(ConnectionError, match="1009"):
            await other.ask("comm_msg", {"comm_id": "x", "data": list(range(1_000_000, 1_600_000))})
        await other.connect()
        await other.refresh()  # its kernel has heard nothing of it
        assert len(other.widgets) > 100
        table = viewer.find(lambda state: "swatches" in state)
        assert await viewer.change(table, selected=[1])  # everybody else goes on
        await viewer.close()

    finished(attack())
