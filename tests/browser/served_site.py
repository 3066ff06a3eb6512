"""A folder served as GitHub Pages does, and pages of it in Chromium that reach no other host."""

import contextlib
import functools
import http.server
import threading
from urllib.parse import urlsplit

PATIENCE = 120_000  # ms; the machine may be busy


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving(folder):
    """The address of a plain web server for the folder."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)


def opener(browser, server):
    """Function that opens an address below the server and waits until all is loaded; what went wrong is in `problems`, what other
    hosts were asked for in `foreign`."""

    def opened(path="some/where/", **options):
        options = {"viewport": {"width": 1366, "height": 768}, "color_scheme": "light"} | options
        context = browser.new_context(**options)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.add_init_script("localStorage.setItem('elnes-lab-toured', '1')")
        page.problems, page.foreign = [], []
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        page.on("pageerror", lambda error: page.problems.append(str(error)))

        def guard(route):
            parts = urlsplit(route.request.url)
            if parts.hostname == "127.0.0.1":
                route.continue_()
            else:
                page.foreign.append(route.request.url)
                route.abort()

        context.route("**/*", guard)
        page.goto(server + path)
        page.wait_for_selector("html[data-elnes-loaded=all]", state="attached")
        return page

    return opened
