"""Load on the served dashboard: time to a usable page, and many viewers who use Browse at once, each with a kernel of its own.

    python benchmarks/dashboard.py                       # visitors one by one, one who trains, then 50 at once
    python benchmarks/dashboard.py --viewers 20 --cores 2 --json out.json
    python benchmarks/dashboard.py --browser             # 300 openings in Chromium, 20 at a time, beside two busy processes

A viewer is an HTTP and websocket client (elnes_lab.dashboard.serving.viewer): it loads the page, the state of all widgets and the static
files of a first visit, has the structure drawn, then selects spectra and searches. "Usable" is when
all its widgets have their state and the kernel has answered that the page is ready; a browser's own drawing is not in it. Server,
kernels and clients share the cores named; only loopback is used.
"""

import argparse
import asyncio
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import openings
import psutil

from elnes_lab.dashboard.serving import voila_settings
from elnes_lab.dashboard.serving.kernel_fork import process_name
from elnes_lab.dashboard.serving.viewer import Viewer

STATIC = ("voila/static/voila.js", "voila/static/plotly-widget.js", "voila/static/labvariables.css")
STEPS = 6  # uses of Browse per viewer
PAUSE = 1.0  # s between them
MB = 1e6


def start(folder: Path, cores: int, preheated: int):
    """(process, url) of Voila with our settings on `cores` cores, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (folder / "voila.log").open("w")
    process = subprocess.Popen(
        voila_settings.command(port=port, preheated=preheated),
        env=voila_settings.environment(),
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    psutil.Process(process.pid).cpu_affinity(psutil.Process().cpu_affinity()[:cores])
    url = f"http://127.0.0.1:{port}/"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{url}{STATIC[2]}", timeout=5).close()
            return process, url
        except OSError:
            time.sleep(0.2)
    raise SystemExit("Voila does not answer:\n" + (folder / "voila.log").read_text())


async def use(url: str, patience: float, steps: int) -> dict:
    """What one viewer measured: s until the page was usable, s of each step, memory of the kernel in MB; or the error."""
    viewer, measured = Viewer(url, patience=patience), {"open": None, "steps": [], "error": None}
    try:
        clock = time.perf_counter()
        await asyncio.gather(viewer.open(), *[viewer.get(f"{url}{name}") for name in STATIC[:2]])
        measured["open"] = time.perf_counter() - clock
        table = viewer.find(lambda state: "swatches" in state and len(state["rows"]) > 3)
        search = viewer.find(lambda state: str(state.get("placeholder", "")).startswith("quartz"))
        uses = [
            (table, {"selected": [0, 1, 2]}),
            (search, {"value": "quartz"}),
            (table, {"selected": [3]}),
            (search, {"value": ""}),
        ]
        for i in range(steps):
            widget, state = uses[i % len(uses)]
            clock = time.perf_counter()
            if not await viewer.change(widget, **state):
                raise RuntimeError("the kernel did not answer a change")
            measured["steps"].append(time.perf_counter() - clock)
            await asyncio.sleep(PAUSE)
        measured["kernel"] = viewer.kernel_id
    except Exception as problem:
        measured["error"] = f"{type(problem).__name__}: {problem}"[:200]
    return measured | {"viewer": viewer}


def memory(server: int, name: str) -> dict:
    """Resident, proportional and unshared memory in MB of the kernel called `name`, a child of `server`."""
    for process in psutil.Process(server).children(recursive=True):
        if process.name() == process_name(name) or name in " ".join(process.cmdline()):
            full = process.memory_full_info()
            return {"rss": full.rss / MB, "pss": full.pss / MB, "uss": full.uss / MB}
    raise LookupError(f"no process has the kernel {name}")


def spread(values) -> dict:
    values = np.asarray([value for value in values if value is not None], float)
    if not len(values):
        return {}
    return {
        "median": round(float(np.median(values)), 3),
        "90 %": round(float(np.quantile(values, 0.9)), 3),
        "worst": round(float(values.max()), 3),
    }


async def one_by_one(url: str, server: int, runs: int) -> dict:
    """Visitors who find a page made ready, one after the other."""
    opened, steps, sizes = [], [], []
    for _ in range(runs):
        await asyncio.sleep(8)  # a kernel needs about 4 s to be made ready
        result = await use(url, 60, 4)
        if result["error"]:
            raise SystemExit(result["error"])
        opened.append(result["open"])
        steps += result["steps"]
        sizes.append(memory(server, result["kernel"]))
        await result["viewer"].close()
    kernel = {key: round(np.median([size[key] for size in sizes])) for key in sizes[0]}
    return {"usable (s)": spread(opened), "step (s)": spread(steps), "kernel (MB)": kernel}


async def while_training(url: str, server: int, runs: int) -> dict:
    """A visitor who opens Train and moves a slider again and again while networks learn: s until the kernel is done with
    each move. The first training also imports torch."""
    viewer, waits, lengths = await Viewer(url, patience=60).open(), {"first": [], "later": []}, []
    nav = viewer.find(lambda state: "Inspect" in state.get("_options_labels", ()))
    clock = time.perf_counter()
    await viewer.change(nav, index=1)
    opened = time.perf_counter() - clock
    await viewer.refresh()
    for name, state in list(viewer.widgets.items()):
        if "plotly_version" in state:
            await viewer.tell(name, {"type": "rendered"})
    button = viewer.find(lambda state: state.get("description") == "Train" and state["_model_name"] == "ButtonModel")
    slider = viewer.find(lambda state: state["_model_name"] == "IntSliderModel" and state["max"] == 300)
    window = viewer.find(lambda state: state["_model_name"] == "FloatRangeSliderModel" and state["min"] == -5)
    await asyncio.sleep(2)
    for run in range(runs):
        await viewer.change(slider, value=300)
        await viewer.tell(button, {"event": "click"})
        begin, moves, training = time.perf_counter(), 0, True
        while training:
            clock = time.perf_counter()
            moves += 1
            if moves % 2:
                await viewer.change(slider, value=100 + 5 * (moves % 20))
            else:
                await viewer.change(window, value=[-2, 12 + moves % 5])
            waits["later" if run else "first"].append(time.perf_counter() - clock)
            await asyncio.sleep(0.1)
            await viewer.refresh()
            training = viewer.widgets[button]["description"] != "Train"
        lengths.append(round(time.perf_counter() - begin, 1))
    size = {key: round(value) for key, value in memory(server, viewer.kernel_id).items()}
    await viewer.close()
    return {
        "Train opened (s)": round(opened, 2),
        "trainings (s)": lengths,
        "a slider, first training (s)": spread(waits["first"]),
        "later ones (s)": spread(waits["later"]),
        "kernel (MB)": size,
    }


async def all_at_once(url: str, server: int, viewers: int, patience: float) -> dict:
    """Viewers who open the page in the same moment and use it for a while."""
    clock = time.perf_counter()
    results = await asyncio.gather(*[use(url, patience, STEPS) for _ in range(viewers)])
    seconds = time.perf_counter() - clock
    sizes = [memory(server, result["kernel"]) for result in results if not result["error"]]
    await asyncio.gather(
        *[result["viewer"].close() for result in results if not result["error"]], return_exceptions=True
    )
    return {
        "viewers": viewers,
        "errors": sum(bool(result["error"]) for result in results),
        "first errors": [result["error"] for result in results if result["error"]][:3],
        "all done (s)": round(seconds, 1),
        "usable (s)": spread([result["open"] for result in results]),
        "step (s)": spread([step for result in results for step in result["steps"]]),
        "kernel (MB)": {key: round(float(np.mean([size[key] for size in sizes]))) for key in ("rss", "pss", "uss")}
        if sizes
        else {},
        "largest kernel (MB)": round(max(size["rss"] for size in sizes)) if sizes else None,
    }


def in_browser(url: str, count: int, at_once: int, beside: int, patience: float) -> dict:
    """Real pages opened by a busy machine, see openings.py. What is lost comes with the log of its page."""
    processes = openings.busy(beside)
    try:
        clock = time.perf_counter()
        results = asyncio.run(openings.openings(url, count, at_once, patience))
        seconds = time.perf_counter() - clock
    finally:
        for process in processes:
            process.terminate()
    lost = [result for result in results if result["seconds"] is None]
    return {
        "openings": len(results),
        "at once": at_once,
        "busy processes beside": beside,
        "lost": len(lost),
        "loaded themselves anew": sum(result["reloads"] > 0 for result in results),
        "all done (s)": round(seconds, 1),
        "alive (s)": spread([result["seconds"] for result in results]),
        "logs of the lost": [result["log"] for result in lost][:5],
        "log of the slowest": max(results, key=lambda result: result["seconds"] or 0)["log"],
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--viewers", type=int, default=50, help="viewers at once (default: 50); 0 leaves this part out"
    )
    options.add_argument("--runs", type=int, default=5, help="visitors one after another (default: 5)")
    options.add_argument("--trainings", type=int, default=3, help="trainings during which a slider moves (default: 3)")
    options.add_argument("--cores", type=int, default=2)
    options.add_argument("--patience", type=float, default=300, help="s after which a viewer counts as an error")
    options.add_argument("--browser", action="store_true", help="only open pages in Chromium (needs playwright)")
    options.add_argument("--openings", type=int, default=300, help="with --browser: pages opened (default: 300)")
    options.add_argument("--at-once", type=int, default=20, help="with --browser: pages at a time (default: 20)")
    options.add_argument("--beside", type=int, default=2, help="with --browser: busy processes beside (default: 2)")
    options.add_argument("--preheated", type=int, default=1, help="pages made ready (default: 1)")
    options.add_argument("--json", type=Path)
    options = options.parse_args()
    report = {"cores": options.cores, "load before": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as folder:
        process, url = start(Path(folder), options.cores, preheated=options.preheated)
        try:
            if options.browser:
                options.runs = options.trainings = options.viewers = 0
                report["in the browser"] = in_browser(
                    url, options.openings, options.at_once, options.beside, options.patience
                )
            if options.runs:
                report["one by one, a page made ready"] = asyncio.run(one_by_one(url, process.pid, options.runs))
            if options.trainings:
                report["while training"] = asyncio.run(while_training(url, process.pid, options.trainings))
            if options.viewers:
                report["all at once"] = asyncio.run(all_at_once(url, process.pid, options.viewers, options.patience))
            report["server (MB)"] = round(psutil.Process(process.pid).memory_info().rss / MB)
        finally:
            process.terminate()
            process.wait(60)
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
