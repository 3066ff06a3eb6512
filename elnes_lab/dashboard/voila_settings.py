"""How Voila serves the dashboard: command line and environment, for `elnes-lab serve` and the browser tests."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
NOTEBOOK = HERE.parents[1] / "notebooks" / "dashboard.ipynb"
# All that the page's widgets need of JupyterLab; other extensions are 2 MB of code and warnings in the console.
EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget")
IDLE = 1800  # s after which the kernel of a page that was left open is ended
CHECKED_EVERY = 120  # s


def command(notebook=NOTEBOOK, *, port=8866, address="127.0.0.1", browser=False, preheated=0):
    """Words of the command that serves the notebook; run it with `environment()`.

    preheated: number of kernels kept ready with the page already computed, 150 MB each; 0 starts one per visitor.
    """
    words = [
        sys.executable,
        "-m",
        "voila",
        str(notebook),
        f"--port={port}",
        f"--Voila.ip={address}",
        "--template=elnes",
        "--VoilaConfiguration.allow_template_override=NO",
        "--VoilaConfiguration.show_tracebacks=False",
        f"--VoilaConfiguration.extension_allowlist={list(EXTENSIONS)}",
        "--VoilaConfiguration.file_allowlist=[]",
        f"--MappingKernelManager.cull_idle_timeout={IDLE}",
        f"--MappingKernelManager.cull_interval={CHECKED_EVERY}",
    ]
    if preheated:
        words += ["--preheat_kernel=True", f"--pool_size={preheated}"]
    return words if browser else [*words, "--no-browser"]


def environment(base=None):
    """Environment variables for that command: `base` (default: this process) with the page's template added."""
    base = dict(os.environ if base is None else base)
    folders = [HERE / "share", *published_plotly()]
    base["JUPYTER_PATH"] = os.pathsep.join([*map(str, folders), *filter(None, [base.get("JUPYTER_PATH")])])
    return base


def published_plotly():
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
