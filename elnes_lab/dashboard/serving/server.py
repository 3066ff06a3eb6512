"""Voila's server with the manners of docs/serving.md: which names it answers to, what is 404, no traces of its inside.

`python -m elnes_lab.dashboard.serving.server NOTEBOOK [options]`, as voila_settings writes it.
"""

import os
import re

import jinja2
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.httputil import HTTPMessageDelegate, split_host_and_port
from traitlets import List, Unicode
from voila.app import Voila
from voila.static_file_handler import MultiStaticFileHandler, TemplateStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from .confine import is_loopback

OWN_PAGES = ("error.html", "login.html")
STRANGER = (
    "This server does not answer to the name {name!r}: it is there for this machine alone. "
    "Whoever runs it can allow the name with --hostname.\n"
)


class NotHere(web.RequestHandler):
    """What there is not, or not under this name: a status and a sentence, whatever the method."""

    def initialize(self, status=404, text="There is no such page here.\n") -> None:
        self.status, self.text = status, text

    def prepare(self) -> None:
        self.set_status(self.status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(self.text)


class DashboardPage(TornadoVoilaHandler):
    """The dashboard at the base URL. Voila sends every other path on to a file of that name, which is never served."""

    async def get(self) -> None:
        if not os.path.exists(os.path.join(self.settings["voila"].root_dir, self.notebook_path)):
            raise web.HTTPError(404)
        with self.kernel_manager.making_page():
            await super().get()

    async def head(self) -> None:
        """As a link checker asks: no kernel is started for that."""
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish()


class TemplateFiles(TemplateStaticFileHandler):
    """Files of the page's template; Voila takes a path that names none for an error of its own."""

    async def get(self, path, include_body=True) -> None:
        if not re.fullmatch(r"\w[\w.-]*/static/[\w./-]+", path) or ".." in path:
            raise web.HTTPError(404)
        await super().get(path, include_body)


class StaticFiles(MultiStaticFileHandler):
    """Files of Voila's page; one that there is not is told from one that is forbidden, of which there are none."""

    async def get(self, path, include_body=True) -> None:
        try:
            await super().get(path, include_body)
        except web.HTTPError as problem:
            raise web.HTTPError(404 if problem.status_code == 403 else problem.status_code) from None


class DashboardServer(Voila):
    """Voila that shows one notebook, to the hosts it is meant for.

    On a loopback address only this machine is served; a page of another site, whose name its owner lets point to
    127.0.0.1 (DNS rebinding), would otherwise talk to it with the visitor's browser. `hostnames` adds names, those under
    which a proxy shows it, say. On another address all names are good, and a token is asked for.
    """

    name = "voila"
    hostnames = List(Unicode(), config=True, help="More names to answer to, as in the Host header, without port")

    def init_settings(self) -> dict:
        settings = super().init_settings()
        # What is not Voila's own, errors and the page that asks for the token, looks like ours. Just these two: others of
        # Voila's templates have the names of Jupyter's, which its pages extend.
        ours = jinja2.FileSystemLoader([*self.template_paths])
        chosen = jinja2.FunctionLoader(lambda name: ours.get_source(None, name) if name in OWN_PAGES else None)
        settings["jinja2_env"].loader = jinja2.ChoiceLoader([chosen, settings["jinja2_env"].loader])
        settings["default_handler_class"] = NotHere
        return settings

    def init_handlers(self) -> list:
        everything = url_path_join(self.server_url, r"/(.*)")
        handlers = []
        for path, handler, *rest in super().init_handlers():
            if path == everything:
                path, handler = re.escape(self.server_url) if self.server_url != "/" else "/", DashboardPage
            elif handler is TemplateStaticFileHandler:
                handler = TemplateFiles
            elif handler is MultiStaticFileHandler:
                handler = StaticFiles
            # No files beside the notebook are served, and Jupyter's own page for leaving does not work in Voila.
            elif "/voila/files/" in path or path.endswith("/logout"):
                continue
            handlers.append((path, handler, *rest))
        return handlers

    def listen(self) -> None:
        plain = self.app.find_handler

        def find_handler(request, **options) -> HTTPMessageDelegate:
            name = split_host_and_port(request.host.lower())[0].strip("[]")
            if self.answers_to(name):
                return plain(request, **options)
            about = {"status": 403, "text": STRANGER.format(name=name[:100])}
            return self.app.get_handler_delegate(request, NotHere, about)

        self.app.find_handler = find_handler
        super().listen()

    def answers_to(self, name) -> bool:
        """Whether a request that names this host is meant for this server."""
        if not is_loopback(self.ip):
            return True
        return is_loopback(name) or name in {known.lower() for known in self.hostnames}


main = DashboardServer.launch_instance

if __name__ == "__main__":
    main()
