"""Serving without a browser: what ends when, what is missing, what several processes behind nginx do."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from elnes_lab.dashboard.serving import voila_settings
from elnes_lab.dashboard.serving.start import serve
from elnes_lab.dashboard.serving.viewer import Viewer
from elnes_lab.errors import DataError

sys.path.insert(0, str(Path(__file__).parent))
from running import PATIENCE, ROOT, finished, free_port, is_living, text_of, until  # noqa: E402

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


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

    kernels = finished(look())
    until(lambda: not any(map(is_living, kernels)), "the end of the kernels")


class SlowViewer(Viewer):
    async def connect(self):
        await super().connect()
        await asyncio.sleep(3)  # several checks for idle kernels find it connected, and silent since it was made ready


def test_kernels_of_vanished_pages_end_even_at_work_and_ready_ones_stay(start):
    server = start(preheated=1, idle=10, abandoned=10, checked_every=1)
    ready = until(server.kernels, "the kernel made ready")
    time.sleep(12)  # longer than both limits
    assert server.kernels() == ready

    async def visit():
        viewer = await SlowViewer(server.url, patience=PATIENCE).open()
        table = viewer.find(lambda state: "swatches" in state)
        assert await viewer.change(table, selected=[1])
        viewer.vanish()

    finished(visit())
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

    finished(visits())


def test_a_closed_page_gives_its_place_to_the_next(start):
    server = start(viewers=1)

    async def visits():
        first = await Viewer(server.url, patience=PATIENCE).open()
        status, page = await asyncio.to_thread(text_of, server.url)
        assert status == 503 and "All places are taken. Please try again" in page and "Traceback" not in page
        await first.close()
        second = await Viewer(server.url, patience=PATIENCE).open()
        await second.close()

    finished(visits())


def test_a_page_that_nobody_runs_gives_its_place_back_and_one_that_loads_slowly_keeps_it(start):
    server = start(viewers=1, unvisited=4, checked_every=1)
    status, page = text_of(server.url)
    (kernel,) = re.findall(r'"kernelId": "([0-9a-f-]+)"', page)
    end = time.monotonic() + 8
    while time.monotonic() < end:  # as opening.js does
        assert text_of(f"{server.url}api/kernels/{kernel}")[0] == 200
        time.sleep(1)
    until(lambda: server.kernels() == [], "the place to be given back")
    until(lambda: text_of(server.url)[0] == 200, "a page for the next visitor")
    assert text_of(f"{server.url}api/kernels/{kernel}")[0] == 404


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

    texts = finished(visit())
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
            while len(viewers) < 16 and len(used) < 2:
                viewer = await Viewer(url, patience=PATIENCE).open()
                table = viewer.find(lambda state: "swatches" in state)
                assert await viewer.change(table, selected=[len(viewers)])
                viewers.append(viewer)
                used = {server.url for server in servers if server.kernels()}
            assert len(used) == 2  # by chance in one process: 1 in 32,768
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

        finished(visit())
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
