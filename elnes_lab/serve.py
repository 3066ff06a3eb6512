"""`elnes-lab serve`: this process becomes Voila with the dashboard, so that stopping it stops everything."""
import ipaddress
import os
import socket

from .database import open_database
from .errors import DataError


def serve(*, port: int = 8866, ip: str = "127.0.0.1", preheated: int = 1, open_browser: bool = True) -> None:
    """Serves the dashboard at http://ip:port/ until it is stopped; does not return.

    preheated: kernels kept ready with the page already computed. On an address that others reach, a token is asked for and
    printed with the link. Raises DataError if the database cannot be opened, the notebook is not there, or the port is taken.
    """
    from .dashboard import voila_settings

    open_database().close()                                 # a page that could show nothing is not worth starting
    if not voila_settings.NOTEBOOK.exists():
        raise DataError(f"There is no {voila_settings.NOTEBOOK}: the dashboard is served from a clone of the repository. "
                        "Run `make dashboard` there.")
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except (OSError, OverflowError) as problem:
            raise DataError(f"Port {port} of {ip} cannot be used ({problem}). Another program may have it: "
                            "choose another one with --port.") from None
    words = voila_settings.command(port=port, address=ip, browser=open_browser, preheated=preheated)
    if not is_loopback(ip):
        words.append("--Voila.auto_token=True")
    print(f"ELNES Lab: http://{ip}:{port}/ (Ctrl-C stops it)", flush=True)
    os.execve(words[0], words, voila_settings.environment())


def is_loopback(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return ip == "localhost"
