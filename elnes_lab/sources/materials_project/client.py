"""The Materials Project's client, made patient: time limits on every request, a pause between them, and sentences for
what goes wrong."""

import os
import threading
import time

from ...errors import DataError

KEY_PAGE = "https://next-gen.materialsproject.org/api"
KEY_LENGTH = 32
ENDPOINT = "https://api.materialsproject.org/"
TRIES = 4  # of a request that is answered by "later" or not at all
LONGEST_WAIT = 60.0  # s, whatever the server asks for
LATER = (429, 502, 503, 504)


class Unavailable(DataError):
    """What the next request would meet too: a key that is refused, no network, a server that is silent or wants a
    break."""


def find_key(key: str | None) -> str:
    """The key given, else that of the environment variable MP_API_KEY. DataError says how to get one."""
    key = (key or os.environ.get("MP_API_KEY") or "").strip()
    if not key:
        raise DataError(
            f"The Materials Project answers only with a key. Get one at {KEY_PAGE} (free, after registration) and give "
            "it in the environment variable MP_API_KEY or with --key. Everything else works without one"
        )
    if len(key) != KEY_LENGTH or not key.isascii() or not key.isalnum():
        raise DataError(
            f"This is no key of the Materials Project: those have {KEY_LENGTH} letters and digits. Copy it again from "
            f"{KEY_PAGE}"
        )
    return key


def open_client(key: str | None = None, *, endpoint: str | None = None, timeout: float = 30.0, pause: float = 0.2):
    """An `MPRester` whose requests end after `timeout` (s) and begin at least `pause` (s) apart.

    DataError without a key, without the package `mp-api`, and if the server cannot be reached or refuses the key.
    """
    key = find_key(key)
    try:
        from mp_api.client import MPRester
        from mp_api.client.core.settings import MAPI_CLIENT_SETTINGS
    except ImportError as problem:
        raise DataError(
            f"The package mp-api is not installed ({problem}). Install it: pip install 'mp-api>=0.46.2'"
        ) from None
    MAPI_CLIENT_SETTINGS.MUTE_PROGRESS_BARS = True
    endpoint = endpoint or os.environ.get("MP_API_ENDPOINT") or ENDPOINT
    endpoint = endpoint if endpoint.endswith("/") else endpoint + "/"
    session = patient_session(key, timeout, pause)
    greet(session, endpoint)
    # the client asks for the server's version without a time limit
    return within(
        4 * timeout,
        lambda: MPRester(key, endpoint=endpoint, session=session, use_document_model=False, mute_progress_bars=True),
        "the client does not start",
    )


def patient_session(key: str, timeout: float, pause: float):
    """A requests session with limits. It tries again, after a wait, what the server wants later and what was not
    answered."""
    import requests
    from requests.adapters import HTTPAdapter

    class Patient(HTTPAdapter):
        last = 0.0

        def send(self, request, **options):
            options["timeout"] = timeout
            for left in reversed(range(TRIES)):
                time.sleep(max(0.0, self.last + pause - time.monotonic()))
                self.last = time.monotonic()
                wait = min(LONGEST_WAIT, max(pause, 2.0 ** (TRIES - left) / 4))
                try:
                    response = super().send(request, **options)
                    if response.status_code not in LATER or not left:
                        return response
                    wait = asked(response.headers.get("Retry-After"), wait)
                except (requests.ConnectionError, requests.Timeout):
                    if not left:
                        raise
                time.sleep(wait)

    session = requests.Session()
    session.headers["x-api-key"] = key
    session.headers["user-agent"] = "elnes-lab"
    for start in ("https://", "http://"):
        session.mount(start, Patient())
    return session


def asked(header: str | None, wait: float) -> float:
    """Seconds that the server asks to wait, if it says a number, within limits."""
    try:
        return min(LONGEST_WAIT, max(0.0, float(header or "")))
    except ValueError:
        return wait


def greet(session, endpoint: str) -> None:
    """One request, so that a server that is not there, silent or another is known before anything else."""
    response = call(lambda: session.get(endpoint + "heartbeat"), "the server's version")
    try:
        if response.status_code != 200:
            raise refusal(response.status_code, response.text, "the server's version")
        answer = response.json()
        if not {"version", "db_version", "access_controlled_batch_ids"} <= set(answer):
            raise ValueError
    except (ValueError, TypeError):
        raise DataError(
            f"{endpoint} does not answer as the Materials Project does. Check the address, and whether a login page of "
            "your network stands between"
        ) from None


def call(request, what: str):
    """What `request()` returns. DataError, in a sentence, for whatever it raises."""
    try:
        return request()
    except DataError:
        raise
    except Exception as problem:  # the client and the libraries below it raise some twenty types
        text = " ".join(str(problem).split())
        code = next((code for code in (401, 403, 404, 429, 500, 502, 503, 504) if f"status code {code}" in text), None)
        if code:
            raise refusal(code, text, what) from None
        if any(word in text.lower() for word in ("timed out", "timeout")):
            raise Unavailable(
                f"The Materials Project does not answer in time when asked for {what}. Try again later; what was "
                "fetched is kept"
            ) from None
        if any(word in text for word in ("Max retries", "Connection", "resolve")):
            raise Unavailable(
                f"The Materials Project cannot be reached for {what} ({text[:120]}). Check the network; what was "
                "fetched is kept"
            ) from None
        raise DataError(
            f"The Materials Project's answer for {what} cannot be used ({type(problem).__name__}: {text[:160]})"
        ) from None


def refusal(code: int, text: str, what: str) -> DataError:
    if code in (401, 403):
        return Unavailable(
            f"The Materials Project refuses the key ({code}). Copy it again from {KEY_PAGE}, or renew it there"
        )
    if code == 429:
        return Unavailable(
            f"The Materials Project asks for a break: too many requests (429), {TRIES} times. Run the same command "
            "again in some minutes; what was fetched is kept"
        )
    return Unavailable(
        f"The Materials Project answers {code} when asked for {what} ({' '.join(text.split())[:120]}). Try again later"
    )


def within(seconds: float, work, otherwise: str):
    """What `work()` returns or raises, if it does in time; else DataError. A request that never ends is left behind in
    its thread."""
    outcome: dict = {}

    def run():
        try:
            outcome["value"] = work()
        except BaseException as problem:
            outcome["problem"] = problem

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise Unavailable(
            f"The Materials Project does not answer in {seconds:.0f} s: {otherwise}. Try again later; what was fetched "
            "is kept"
        )
    if "problem" in outcome:
        return call(lambda: raise_(outcome["problem"]), otherwise)
    return outcome["value"]


def raise_(problem: BaseException):
    raise problem
