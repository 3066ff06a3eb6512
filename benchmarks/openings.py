"""Opens the dashboard in real Chromium pages, many at a time on a busy machine, and counts those that never come alive.

Used by `python benchmarks/dashboard.py --browser`. Each opening is a fresh context without cookies or cache, as a new
visitor's; "alive" is when the spectra are drawn and the kernel has answered the page. Contexts share one Chromium for each
ten of them; without WebGL, which one processor would have to compute for all of them. The page's own log of its websocket is
kept, so that a page that is lost tells when what arrived.
"""

import asyncio
import multiprocessing
import sys
import time

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-3d-apis",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
ALIVE = "() => document.querySelector('.elnes-spectra .main-svg') && !document.querySelector('#elnes-skeleton')"


def spin():
    while True:
        pass


def busy(count):
    """`count` processes that keep a core busy each; terminate them at the end."""
    processes = [multiprocessing.get_context("spawn").Process(target=spin, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    return processes


class Log:
    """What a page said and when, in seconds since it was asked for."""

    def __init__(self, page):
        self.start, self.lines = time.perf_counter(), []
        page.on("console", lambda message: message.type == "error" and self.add(message.text[:300]))
        page.on("pageerror", lambda error: self.add(f"error: {error}"[:300]))
        page.on("request", lambda request: request.is_navigation_request() and self.add("navigated"))
        page.on("websocket", self.listen)

    def add(self, text):
        self.lines.append(f"{time.perf_counter() - self.start:7.2f} {text}")

    def listen(self, socket):
        self.add("websocket opened")
        socket.on("close", lambda _: self.add("websocket closed"))
        socket.on("framesent", lambda data: self.frame("->", data))
        socket.on("framereceived", lambda data: self.frame("<-", data))

    def frame(self, direction, data):
        data = data if isinstance(data, bytes) else data.encode()
        words = (
            "request_states",
            "update_states",
            "comm_info_request",
            "comm_info_reply",
            "kernel_info_reply",
            "request_state",
        )
        named = [word for word in words if word.encode() in data]
        if named:
            self.add(f"{direction} {named[0]}, {len(data)} bytes")


async def open_one(browser, url, patience):
    """{"seconds" until alive or None, "reloads", "log"} of one opening."""
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    try:
        page = await context.new_page()
        log = Log(page)
        try:
            await page.goto(url, timeout=patience * 1000, wait_until="commit")
            while True:  # the page may load itself anew
                left = patience - (time.perf_counter() - log.start)
                try:
                    await page.wait_for_function(ALIVE, timeout=max(1, left * 1000), polling=100)
                    break
                except Exception as problem:
                    if "context was destroyed" not in str(problem) and "navigation" not in str(problem).casefold():
                        raise
            seconds = time.perf_counter() - log.start
        except Exception as problem:
            log.add(f"lost: {str(problem).splitlines()[0]}; body: {(await body(page))[:300]!r}")
            seconds = None
        reloads = sum("navigated" in line for line in log.lines) - 1
        async with page.expect_event("close", timeout=20_000):  # its farewell to the server is on its way then
            await page.close(run_before_unload=True)
        return {"seconds": seconds, "reloads": reloads, "log": log.lines}
    finally:
        await context.close()


async def body(page):
    try:
        return await asyncio.wait_for(page.inner_text("body"), 10)
    except Exception as problem:
        return f"({type(problem).__name__})"


async def openings(url, count, at_once, patience):
    """Results of `count` openings, `at_once` at a time."""
    from playwright.async_api import async_playwright

    results, waiting = [], iter(range(count))
    async with async_playwright() as playwright:
        browsers = [
            await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) for _ in range(-(-at_once // 10))
        ]

        async def visitor(number):
            for _ in waiting:
                results.append(await open_one(browsers[number % len(browsers)], url, patience))
                lost = sum(result["seconds"] is None for result in results)
                print(f"\r{len(results)} of {count} opened, {lost} lost", end="", file=sys.stderr, flush=True)

        await asyncio.gather(*[visitor(number) for number in range(at_once)])
        for browser in browsers:
            await browser.close()
    return results
