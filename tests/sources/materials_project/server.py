"""A server that speaks what the Materials Project's client asks for, for tests: python server.py FOLDER.

FOLDER/documents.json: route -> list of documents; FOLDER/s3: its tables; FOLDER/behaviour.json: route -> what it
answers instead, read anew for every request: {"status": 429, "times": 2, "headers": {}, "body": "...", "delay": 5}.
Requests are noted in FOLDER/requests.txt. The first line of its output is the port. A process of its own, as the
client's storage library keeps Python waiting while it asks.
"""

import json
import sys
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

ROOT = Path(sys.argv[1])
SERVED: Counter = Counter()
KEY = "k" * 32


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        with open(ROOT / "requests.txt", "a") as file:
            file.write(f"{time.monotonic():.3f} {self.path}\n")

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        route = unquote(url.path).strip("/")
        special = json.loads((ROOT / "behaviour.json").read_text()).get(route)
        if special:
            SERVED[route] += 1
            time.sleep(special.get("delay", 0))
            if SERVED[route] <= special.get("times", 1e9):
                return self.answer(
                    special.get("status", 200), special.get("body", "").encode(), special.get("headers", {})
                )
        if route == "heartbeat":
            return self.json(
                {"status": "OK", "version": "0.87.3", "db_version": "2026.04.13", "access_controlled_batch_ids": []}
            )
        documents = json.loads((ROOT / "documents.json").read_text())
        if route in documents:
            if self.headers.get("x-api-key") != KEY:
                return self.answer(401, b'{"detail": "Invalid authentication credentials"}')
            wanted = next((query[name].split(",") for name in ("material_ids", "task_ids") if name in query), None)
            found = [d["document"] for d in documents[route] if wanted is None or d["id"] in wanted]
            skip, limit = int(query.get("_skip", 0)), int(query.get("_limit", 100))
            return self.json({"data": found[skip : skip + limit], "meta": {"total_doc": len(found)}})
        return self.storage(route, query)

    def storage(self, route, query):
        home = ROOT / "s3"
        if "list-type" in query:
            bucket, prefix, after = home / route, query.get("prefix", ""), query.get("start-after", "")
            keys = sorted(str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file())
            items = "".join(
                f'<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"e"</ETag>'
                f"<Size>{(bucket / key).stat().st_size}</Size></Contents>"
                for key in keys
                if key.startswith(prefix) and key > after
            )
            return self.answer(
                200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()
            )
        path = home / route
        if not path.is_file():
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        content, part = path.read_bytes(), self.headers.get("Range")
        if not part:
            return self.answer(200, content)
        first, last = part.split("=")[1].split("-")
        first, last = (
            (int(first), min(int(last or len(content)), len(content) - 1))
            if first
            else (len(content) - int(last), len(content) - 1)
        )
        self.answer(206, content[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(content)}"})

    def json(self, value):
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def answer(self, status, content, headers=None):
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(content)),
            "ETag": '"e"',
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
