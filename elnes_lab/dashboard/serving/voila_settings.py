"""How Voila serves the dashboard: command line and environment, for `elnes-lab serve` and the browser tests."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from . import confine, kernel_fork

HERE = Path(__file__).parents[1]
NOTEBOOK = HERE.parents[1] / "notebooks" / "dashboard.ipynb"
# All that the page's widgets need of JupyterLab; other extensions are 2 MB of code and warnings in the console.
# elnes-lab-opening is ours, below share/: it lends the widget manager the patience that a busy machine needs.
EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "elnes-lab-opening",
)
UNVISITED = (
    30  # s after which a kernel is ended to which no page has connected and for which none has asked, see opening.js
)
IDLE = 7200  # s without a message after which the kernel of a page is ended; a page in the background sends none
ABANDONED = 600  # s after which the kernel of a page that has vanished is ended: time to wake up a laptop
CHECKED_EVERY = 10  # s
OUTPUT = 600  # s that Voila waits for the page itself once the kernel says that it has made it
LARGEST_MESSAGE = 64 * 2**20  # bytes the server accepts from a page; page.js refuses larger files before they are sent


def command(
    notebook=NOTEBOOK,
    *,
    port=8866,
    address="127.0.0.1",
    browser=False,
    preheated=0,
    viewers=0,
    base_url="/",
    token=False,
    idle=IDLE,
    abandoned=ABANDONED,
    unvisited=UNVISITED,
    checked_every=CHECKED_EVERY,
    hostnames=(),
) -> list:
    """Words of the command that serves the notebook; run it with `environment()`.

    preheated: number of kernels kept ready with the page already computed, 100 MB each; 0 starts one per visitor.
    viewers: most pages open at once, the ready ones included; 0: no limit. base_url: path below which a proxy shows it.
    token: ask visitors for the one in $JUPYTER_TOKEN. idle, abandoned, unvisited, checked_every: s, see the constants above.
    hostnames: names to answer to besides this machine's own, for a server on a loopback address behind a proxy.
    """
    words = [
        sys.executable,
        "-m",
        "elnes_lab.dashboard.serving.server",
        str(notebook),
        f"--port={port}",
        f"--Voila.ip={address}",
        "--template=elnes",
        "--VoilaConfiguration.allow_template_override=NO",
        "--VoilaConfiguration.show_tracebacks=False",
        f"--VoilaConfiguration.extension_allowlist={list(EXTENSIONS)}",
        "--VoilaConfiguration.file_allowlist=[]",
        "--VoilaConfiguration.multi_kernel_manager_class=elnes_lab.dashboard.serving.kernel_manager.DashboardKernels",
        "--Voila.kernel_websocket_connection_class=elnes_lab.dashboard.serving.kernel_manager.DashboardConnection",
        "--Voila.identity_provider_class=elnes_lab.dashboard.serving.kernel_manager.DashboardIdentity",
        # By default 4 s: while twenty pages are opened the server looks at its messages less often, and sent empty ones.
        f"--VoilaExecutor.iopub_timeout={OUTPUT}",
        "--VoilaExecutor.raise_on_iopub_timeout=True",
        "--MappingKernelManager.cull_connected=True",
        f"--MappingKernelManager.cull_idle_timeout={idle}",
        f"--MappingKernelManager.cull_interval={checked_every}",
        f"--DashboardKernels.abandoned_timeout={abandoned}",
        f"--DashboardKernels.unvisited_timeout={unvisited}",
        f"--DashboardKernels.most_kernels={viewers}",
        f"--Voila.tornado_settings={{'websocket_max_message_size': {LARGEST_MESSAGE}}}",
        f"--Voila.base_url={base_url}",
        "--Voila.port_retries=0",
    ]
    if hostnames:
        words.append(f"--DashboardServer.hostnames={list(hostnames)}")
    if token:
        words.append("--Voila.auto_token=True")
    if preheated:
        words += ["--preheat_kernel=True", f"--pool_size={preheated}"]
    return words if browser else [*words, "--no-browser"]


def environment(base=None, *, memory=0, calculations=0) -> dict:
    """Environment variables for that command: `base` (default: this process) with the page's template added, one thread.

    memory: MB of its own that the kernel of a page may use, 0 for no limit. calculations: first-principles calculations that
    visitors may have run at once, 0 for none.
    """
    base = dict(os.environ if base is None else base)
    folders = [HERE / "share", *published_plotly()]
    base["JUPYTER_PATH"] = os.pathsep.join([*map(str, folders), *filter(None, [base.get("JUPYTER_PATH")])])
    # Fifty kernels with a thread per core each would only get in each other's way.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        base.setdefault(name, "1")
    base[confine.SERVED], base[confine.MEMORY] = "1", str(memory)
    base[confine.CALCULATIONS] = str(calculations)
    if kernel_fork.AVAILABLE:
        base["JUPYTER_DEFAULT_PROVISIONER_NAME"] = kernel_fork.NAME
    return base


def published_plotly() -> list:
    """Folder (in a list, empty if it cannot be written) from which Voila serves plotly's JavaScript as a static file.

    Browsers then load it while the kernel starts and keep it; without it figure.js gets it from the kernel, every time.
    """
    from platformdirs import user_cache_path

    bundle = Path(find_spec("plotly").origin).with_name("package_data") / "widgetbundle.js"
    folder = user_cache_path("elnes-lab")
    target = folder / "voila" / "templates" / "elnes" / "static" / "plotly-widget.js"
    try:
        if not target.exists() or target.stat().st_mtime_ns != bundle.stat().st_mtime_ns:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(f".{os.getpid()}")
            shutil.copy2(bundle, part)
            part.replace(target)
    except OSError:
        return []
    return [folder]
