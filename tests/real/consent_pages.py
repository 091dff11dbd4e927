"""Pages on loopback with real consent managers, wired rightly or so that a refusal is recorded as consent."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

HERE = Path(__file__).parent / "consent"
MODULES = Path(__file__).parents[2] / "range" / "node_modules"
PAGES = (
    "vanilla-cookieconsent", "vanilla-cookieconsent in two steps", "klaro", "cookieconsent", "tarteaucitron",
    "shadow-root", "frame",
)  # fmt: skip
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8"}
_REJECT_ALL = "acceptNecessaryBtn: 'Alle ablehnen',"


def page(name: str, *, fault: bool, hides: bool = False) -> str:
    """Return the page with the consent manager NAME; FAULT: a refusal is recorded as consent."""
    name, _, steps = name.partition(" in ")
    text = (HERE / f"{name}.html").read_text("utf-8").replace("NECESSARY", "" if steps else _REJECT_ALL)
    return text.replace("FAULT", str(fault).lower()).replace("HIDES", str(hides).lower())


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = parse_qs(url.query)
        if url.path == "/":
            name = asked["cmp"][0]
            self._send(page(name, fault="fault" in asked, hides="hides" in asked).encode(), ".html")
        elif url.path == "/frame.html":
            self._send((HERE / "frame-inside.html").read_bytes(), ".html")
        else:
            file = (MODULES / url.path.lstrip("/")).resolve()
            if file.is_relative_to(MODULES.resolve()) and file.is_file():
                self._send(file.read_bytes(), file.suffix)
            else:
                self.send_error(404)

    def _send(self, body: bytes, suffix: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", _TYPES.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the page went away before it was answered
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: tests tell what went wrong."""


class Site:
    """A server on loopback that answers until it is closed."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, name: str, **asked: str) -> str:
        """Return the address of the page with the consent manager NAME."""
        query = "&".join(f"{k}={v}" for k, v in {"cmp": quote(name), **asked}.items())
        return f"http://127.0.0.1:{self._server.server_address[1]}/?{query}"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
