"""`elnes-lab serve`: this process becomes Voila with the dashboard, so that stopping it stops everything."""

import math
import os
import secrets
import socket

from ...database import open_database
from ...errors import DataError

LEAST_MEMORY = 700  # MB; the kernel of a page counts 370 at first, 540 once it has trained


def serve(
    *,
    port: int = 8866,
    ip: str = "127.0.0.1",
    preheated: int = 1,
    viewers: int = 0,
    base_url: str = "/",
    open_browser: bool = True,
    memory: float = 2000,
    hostnames: tuple[str, ...] = (),
    calculations: int = 0,
) -> None:
    """Serves the dashboard at http://ip:port/ until it is stopped; does not return.

    preheated: kernels kept ready with the page already computed; viewers: most kernels at once, 0 for no limit;
    base_url: path below which a reverse proxy shows it; memory: MB of its own that a page's kernel may use, 0 for no limit
    (Linux); hostnames: names to answer to, on a loopback address, besides this machine's own. With $JUPYTER_TOKEN set, or on an address that others reach, a token
    is asked for; the link printed has it. calculations: first-principles calculations that visitors may have run at once, 0 for
    none; those that nobody has worked at for a month are removed now. Raises DataError if the database cannot be opened, the notebook is not there, or
    the port is taken, and if calculations are asked for and there is no engine.
    """
    from . import voila_settings
    from .confine import is_loopback

    open_database().close()  # a page that could show nothing is not worth starting
    if not voila_settings.NOTEBOOK.exists():
        raise DataError(
            f"There is no {voila_settings.NOTEBOOK}: the dashboard is served from a clone of the repository. "
            "Run `make dashboard` there."
        )
    if preheated < 0 or viewers < 0 or 0 < viewers <= preheated:
        raise DataError(
            f"{viewers} viewers with {preheated} kernels kept ready leave nobody a place. "
            "Give --viewers a number larger than --preheated, or 0 for no limit."
        )
    if memory and not LEAST_MEMORY <= memory < math.inf:
        raise DataError(
            f"A page needs at least {LEAST_MEMORY} MB of memory, {memory:g} cannot be. Give --memory "
            "a larger number, or 0 for no limit."
        )
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except (OSError, OverflowError, TypeError, ValueError) as problem:  # the last two: a name that cannot be
            raise DataError(
                f"Port {port} of {ip[:100]} cannot be used ({problem}). Another program may have "
                "it, or this machine has no such address: choose others with --port and --ip."
            ) from None
    if calculations:
        ready_to_calculate()
    environment = voila_settings.environment(memory=memory, calculations=calculations)
    if not is_loopback(ip):
        environment.setdefault("JUPYTER_TOKEN", secrets.token_urlsafe(24))
    token = environment.get("JUPYTER_TOKEN", "")  # by the environment: everybody can read command lines
    base_url = f"/{base_url.strip('/')}/".replace("//", "/")
    words = voila_settings.command(
        port=port,
        address=ip,
        browser=open_browser,
        preheated=preheated,
        viewers=viewers,
        base_url=base_url,
        token=bool(token),
        hostnames=hostnames,
    )
    host = socket.gethostname() if ip in ("0.0.0.0", "::") else f"[{ip}]" if ":" in ip else ip
    print(
        f"ELNES Lab: http://{host}:{port}{base_url}{f'?token={token}' if token else ''} (Ctrl-C stops it)", flush=True
    )
    os.execve(words[0], words, environment)


def ready_to_calculate() -> None:
    """Says which engine calculations will use and where they are kept, and removes old ones. DataError without an engine."""
    from ...io.places import folder_place
    from ...sources.calculations.place import Calculations
    from ...sources.qe.engine import find_engine

    place = Calculations()
    print(f"Calculations: {find_engine()}; in {folder_place(place.root)}", flush=True)
    place.tidy()
