"""The server of ``penlight explore``: the page, and the questions it asks.

Code that the page sends runs in this process, so the server listens on 127.0.0.1 alone, and answers only who knows the
token in the page's address. Against pages of other sites in the same browser: the Host header must name this server
(no other name may be made to point here), a question must come from this page's own origin, and the token goes in a
header that no form and no link can send.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from penlight.explore.examples import examples
from penlight.explore.workspace import Workspace
from penlight.viz.page import page

MOST_BODY = 45_000_000  # bytes of one question: a file, in base64


class Explorer(ThreadingHTTPServer):
    """Serves one workspace; ``address`` has the token. Raises OSError where the port is taken."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, port: int = 0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.token = secrets.token_urlsafe(24)
        self.workspace = Workspace()
        self.hosts = {f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}"}
        self.address = f"http://127.0.0.1:{self.server_port}/?token={self.token}"

    def knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())


class _Handler(BaseHTTPRequestHandler):
    server: Explorer
    server_version, sys_version = "penlight", ""
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds for a question to arrive

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if not self._hosted():
            return
        if asked.path == "/favicon.ico":
            return self._say(204, "")
        if asked.path != "/":
            return self._say(404, "There is nothing here.")
        if not self.server.knows(parse_qs(asked.query).get("token", [""])[0]):
            return self._say(403, "Open the address that `penlight explore` printed: it ends in a token.")
        description = {
            "kind": "explore",
            "title": "Explore",
            "words": "Change the code and run it: the engine computes, the pictures can be played with.",
            "examples": examples(),
        }
        text = page([description], "penlight explore", served=True)
        self._send(200, text.encode(), "text/html; charset=utf-8", {})

    def do_POST(self) -> None:
        if not self._hosted():
            return
        if urlsplit(self.path).path != "/ask":
            return self._say(404, "There is nothing here.")
        if self.headers.get("Origin") not in {f"http://{host}" for host in self.server.hosts}:
            return self._say(403, "Questions are answered to this server's own page alone.")
        if not self.server.knows(self.headers.get("X-Penlight-Token", "")):
            return self._say(403, "The token is missing or wrong.")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            return self._say(411, "A question needs its length.")
        if int(length) > MOST_BODY:
            return self._say(413, f"A question has at most {MOST_BODY} bytes, this one {length}.")
        try:
            asked = json.loads(self.rfile.read(int(length)))
            if not isinstance(asked, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            return self._say(400, f"The question is no JSON: {error}")
        self._answer(asked)

    def _answer(self, asked: dict[str, Any]) -> None:
        workspace = self.server.workspace
        kinds: dict[str, Callable[..., Any]] = {
            "run": workspace.run,
            "stop": workspace.stop,
            "ask": workspace.ask,
            "open": workspace.open,
        }
        kind = asked.pop("do", None)
        if kind not in kinds:
            return self._say(400, f"What to do must be one of {', '.join(kinds)}, got {kind!r}")
        try:
            answer = json.dumps({"answer": kinds[kind](**asked)}, allow_nan=False)
        except Exception as error:
            answer = json.dumps({"error": f"{type(error).__name__}: {error}"})
        self._send(200, answer.encode(), "application/json", {})

    def _hosted(self) -> bool:
        if self.headers.get("Host") in self.server.hosts:
            return True
        self._say(421, "This server answers to 127.0.0.1 alone.")
        return False

    def _say(self, status: int, words: str) -> None:
        self.close_connection = True  # what was sent along is not read
        self._send(status, words.encode(), "text/plain; charset=utf-8", {"Connection": "close"})

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        common = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        for name, value in (common | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the terminal is the reader's, and the address has the token in it."""
