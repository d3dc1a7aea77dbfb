"""A small recommender over HTTP, to try an arm with ``source = "http"``. Nothing but the standard library.

    python examples/recommender_server.py --items items.csv --port 8600

``items.csv`` has the columns ``item_id``, ``title`` and ``category``. POST what recux sends (ratings and interests) and
items of the categories that the person likes come first; GET answers the same for a person without a history.
``--slow-ms`` and ``--fail`` show what recux does with a recommender that is late or broken.
"""

import argparse
import csv
import hashlib
import json
import random
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Item = dict[str, str]


def recommend(items: list[Item], question: dict[str, Any]) -> dict[str, Any]:
    """The best items for a person: liking of the category, then an order of the person's own."""
    size = int(question.get("size") or 8)
    rated = {entry["item_id"]: float(entry["rating"]) for entry in question.get("ratings", [])}
    liking: dict[str, float] = defaultdict(float)
    for interest in question.get("interests", []):
        liking[interest.lower()] += 1.0
    for item in items:
        if item["item_id"] in rated:
            liking[item["category"].lower()] += rated[item["item_id"]] - 3.0
    person = str(question.get("participant_id", ""))
    fresh = [item for item in items if item["item_id"] not in rated]
    ranked = sorted(fresh, key=lambda item: (-liking[item["category"].lower()], own_order(person, item)))
    return {
        "model_version": "sample-1",
        "items": [
            {
                "item_id": item["item_id"],
                "score": liking[item["category"].lower()],
                "explanation": f"You seem to like {item['category']}" if liking[item["category"].lower()] > 0 else None,
            }
            for item in ranked[:size]
        ],
    }


def own_order(person: str, item: Item) -> str:
    """The same for one person at every call, different between people."""
    return hashlib.sha256(f"{person}/{item['item_id']}".encode()).hexdigest()


def handler(items: list[Item], *, slow_ms: float, fail: float) -> type[BaseHTTPRequestHandler]:
    """The request handler of a server with these items and these faults."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
            self.respond(query)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.respond(json.loads(self.rfile.read(length)))

        def respond(self, question: dict[str, Any]) -> None:
            time.sleep(slow_ms / 1000)
            if urlsplit(self.path).path != "/recommend":
                self.send(404, {"error": "ask /recommend"})
            elif random.random() < fail:  # noqa: S311 - a fault for show needs no secrecy
                self.send(503, {"error": "failing on purpose"})
            else:
                self.send(200, recommend(items, question))

        def send(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=Path, required=True, help="CSV file with item_id, title, category")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8600)
    parser.add_argument("--slow-ms", type=float, default=0.0, help="wait this long before each answer")
    parser.add_argument("--fail", type=float, default=0.0, help="share of requests that fail")
    asked = parser.parse_args()
    with asked.items.open(encoding="utf-8-sig", newline="") as file:
        items = list(csv.DictReader(file))
    answer = handler(items, slow_ms=asked.slow_ms, fail=asked.fail)
    with ThreadingHTTPServer((asked.host, asked.port), answer) as server:
        print(f"http://{asked.host}:{server.server_port}/recommend with {len(items)} items", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
