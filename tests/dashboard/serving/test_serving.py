"""Serving without a browser: who is let in, what ends when, what several processes behind nginx do."""

import asyncio
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from elnes_lab.dashboard.serving import viewer as viewer_module
from elnes_lab.dashboard.serving import voila_settings
from elnes_lab.dashboard.serving.start import serve
from elnes_lab.dashboard.serving.viewer import Viewer
from elnes_lab.errors import DataError

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 120
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


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


def text_of(url):
    """Status and text of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_all_kernels_end_with_the_server(start, end):
    server = start(preheated=1)
    until(lambda: len(server.kernels()) == 1, "the kernel made ready")

    async def look():
        viewer = await Viewer(server.url, patience=PATIENCE).open()
        until(lambda: len(server.kernels()) == 2, "the second kernel")
        kernels = server.kernels()
        server.process.send_signal(end)
        server.process.wait(60)
        viewer.vanish()
        return kernels

    kernels = asyncio.run(look())
    until(lambda: not any(map(is_living, kernels)), "the end of the kernels")


class SlowViewer(Viewer):
    async def connect(self):
        await super().connect()
        await asyncio.sleep(3)  # several checks for idle kernels find it connected, and silent since it was made ready


def test_kernels_of_vanished_pages_end_even_at_work_and_ready_ones_stay(start):
    server = start(preheated=1, idle=15, abandoned=15, checked_every=1)
    ready = until(server.kernels, "the kernel made ready")
    time.sleep(18)  # longer than both limits
    assert server.kernels() == ready

    async def visit():
        viewer = await SlowViewer(server.url, patience=PATIENCE).open()
        table = viewer.find(lambda state: "swatches" in state)
        assert await viewer.change(table, selected=[1])
        viewer.vanish()

    asyncio.run(visit())
    until(lambda: ready[0] not in server.kernels(), "the end of the kernel that was left")
    until(lambda: len(server.kernels()) == 1, "the next one made ready")


def test_pages_open_again_after_the_process_that_forks_kernels_was_killed(start):
    server = start()

    def forking():
        return [
            one for one in psutil.Process(server.process.pid).children() if "kernel_fork" in " ".join(one.cmdline())
        ]

    async def visit():
        viewer = await Viewer(server.url, patience=PATIENCE).open()
        table = viewer.find(lambda state: "swatches" in state)
        assert await viewer.change(table, selected=[1])
        return viewer

    async def visits():
        first = await visit()
        (parent,), (kernel,) = forking(), server.kernels()
        assert kernel.ppid() == parent.pid and kernel.name() == f"elnes-{first.kernel_id[:8]}"
        assert kernel.memory_full_info().uss < 0.75 * kernel.memory_info().rss  # the rest is shared with the parent
        parent.kill()
        await asyncio.to_thread(until, lambda: not is_living(kernel), "the end of the kernel")
        await (await visit()).close()
        first.vanish()

    asyncio.run(visits())


def test_a_closed_page_gives_its_place_to_the_next(start):
    server = start(viewers=1)

    async def visits():
        first = await Viewer(server.url, patience=PATIENCE).open()
        status, page = await asyncio.to_thread(text_of, server.url)
        assert status == 503 and "All places are taken. Please try again" in page and "Traceback" not in page
        await first.close()
        second = await Viewer(server.url, patience=PATIENCE).open()
        await second.close()

    asyncio.run(visits())


def test_a_page_that_nobody_runs_gives_its_place_back_and_one_that_loads_slowly_keeps_it(start):
    server = start(viewers=1, unvisited=4, checked_every=1)
    status, page = text_of(server.url)
    (kernel,) = re.findall(r'"kernelId": "([0-9a-f-]+)"', page)
    end = time.monotonic() + 12
    while time.monotonic() < end:  # as opening.js does
        assert text_of(f"{server.url}api/kernels/{kernel}")[0] == 200
        time.sleep(1)
    until(lambda: server.kernels() == [], "the place to be given back")
    until(lambda: text_of(server.url)[0] == 200, "a page for the next visitor")
    assert text_of(f"{server.url}api/kernels/{kernel}")[0] == 404


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
            # 58 MB of text are 230 MB of numbers: more than this page may use.
            table = viewer.find(lambda state: "swatches" in state)
            await viewer.send(
                "comm_msg",
                {
                    "comm_id": table,
                    "data": {
                        "method": "update",
                        "state": {"selected": list(range(1000000, 7500000))},
                        "buffer_paths": [],
                    },
                },
            )
            await viewer.refresh()  # it still answers
            assert len(viewer.widgets) > 100
        finally:
            viewer_module.deserialize_msg_from_ws_v1 = deserialize
        await viewer.close()
        return heard

    heard = asyncio.run(attack())
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

    asyncio.run(visit())


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
        table = viewer.find(lambda state: "swatches" in state)
        assert await viewer.change(table, selected=[1])  # everybody else goes on
        await viewer.close()

    asyncio.run(attack())


@pytest.mark.parametrize("loss", ["silicon_oxides_o_k.nc", "structures.extxyz", "notebook"])
def test_a_file_deleted_while_serving_gives_a_sentence_if_it_is_needed(start, tmp_path, loss):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("silicon_oxides_o_k.nc", "structures.extxyz", "SHA256SUMS"):
        shutil.copy(ROOT / "data" / name, data)
    notebook = shutil.copy(voila_settings.NOTEBOOK, tmp_path)
    server = start(notebook=notebook, environment={"ELNES_LAB_DATA": str(data)})
    os.remove(notebook if loss == "notebook" else data / loss)
    if loss == "notebook":
        status, page = text_of(server.url)
        assert status == 404 and "ELNES Lab" in page and "Traceback" not in page and str(tmp_path) not in page
        return

    async def visit():
        viewer = await Viewer(server.url, patience=PATIENCE).open()
        await asyncio.sleep(1)
        await viewer.refresh()
        texts = " ".join(str(state.get("value", "")) for state in viewer.widgets.values())
        await viewer.close()
        return texts

    texts = asyncio.run(visit())
    assert "Traceback" not in texts
    if loss.endswith(".nc"):
        assert "There is no database at" in texts
    else:  # the database holds the structures, too
        assert "spectra listed" in texts and "There is no" not in texts


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")
def test_nginx_keeps_every_visitor_with_one_of_two_processes(start, tmp_path):
    servers = [start(), start()]
    port = free_port()
    site = (ROOT / "docs" / "nginx.conf").read_text()
    for old, new in (
        ("8901", servers[0].url[17:-1]),
        ("8902", servers[1].url[17:-1]),
        ("listen 8080", f"listen 127.0.0.1:{port}"),
    ):
        assert old in site
        site = site.replace(old, new)
    places = "".join(
        f"{kind}_temp_path {tmp_path}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"worker_processes 1; daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log;\n"
        f"events {{ }}\nhttp {{ access_log off; {places}\n{site}\n}}\n"
    )
    nginx = subprocess.Popen([NGINX, "-c", configuration, "-p", tmp_path, "-e", tmp_path / "nginx.log"])
    url = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: nginx.poll() is None and text_of(f"{url}voila/static/labvariables.css")[0] == 200, "nginx")

        async def visit():
            viewers, used = [], set()
            while len(viewers) < 8 and len(used) < 2:
                viewer = await Viewer(url, patience=PATIENCE).open()
                table = viewer.find(lambda state: "swatches" in state)
                assert await viewer.change(table, selected=[len(viewers)])
                viewers.append(viewer)
                used = {server.url for server in servers if server.kernels()}
            assert len(used) == 2  # by chance in one process: 1 in 128
            assert len({viewer.cookies["elnes_place"] for viewer in viewers}) == len(viewers)
            again = Viewer(url, patience=PATIENCE)
            again.cookies = {"elnes_place": viewers[0].cookies["elnes_place"]}
            counts = [len(server.kernels()) for server in servers]
            await again.open()
            more = [len(server.kernels()) - count for server, count in zip(servers, counts)]
            home = [viewers[0].kernel_id in server.log.read_text() for server in servers]
            assert more == [int(here) for here in home]
            await again.close()
            away = servers[home.index(True)]
            for viewer in viewers:
                viewer.vanish()
            await asyncio.to_thread(away.stop)
            again = await again.open()  # the other process takes over
            assert again.kernel_id in servers[home.index(False)].log.read_text()
            await again.close()

        asyncio.run(visit())
    finally:
        nginx.terminate()
        nginx.wait(20)


def test_serve_refuses_what_cannot_work():
    with pytest.raises(DataError, match="--viewers"):
        serve(port=free_port(), preheated=4, viewers=4)


def test_serve_prints_the_link_and_hides_the_token_from_others(tmp_path):
    port = free_port()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "elnes_lab.cli", "serve", "--ip", "0.0.0.0", "--port", str(port), "--no-browser"]
    words += ["--preheated", "0", "--base-url", "elnes"]
    with (tmp_path / "log").open("w") as output:
        process = subprocess.Popen(words, env=environment, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT)
    try:
        line = until(lambda: (tmp_path / "log").read_text().partition("\n")[0], "the link")
        token = line.partition("token=")[2].split()[0]
        assert f":{port}/elnes/?token=" in line and len(token) > 20
        until(lambda: "Voilà is running" in (tmp_path / "log").read_text(), "the server")
        assert token not in " ".join(psutil.Process(process.pid).cmdline())
        assert (tmp_path / "log").read_text().count(token) == 1
        assert "complete link" in text_of(f"http://127.0.0.1:{port}/elnes/")[1]
    finally:
        process.terminate()
        process.wait(30)
