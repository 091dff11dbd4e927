"""Pages with everything that a visit can meet, served on loopback by the standard library."""

import base64
import hashlib
import http.server
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HTML = "text/html; charset=utf-8"
BANNER = """<div id="cookie-consent" role="dialog" style="position:fixed;bottom:0;padding:20px">
<p>We use cookies for analytics and advertising. Do you accept cookies?</p>
<button onclick="choose('all')">Accept all</button> <button onclick="choose('none')">Reject all</button></div>
<script>
const gone = () => document.getElementById('cookie-consent').remove();
function choose(what) {
  localStorage.setItem('consent', what); gone();
  fetch('https://tracker.test/chosen?what=' + what, { method: 'POST', body: 'x' });
}
if (localStorage.getItem('consent')) gone();
</script>"""
RICH = """<!doctype html><title>rich</title>
<script src="https://tracker.test/tag.js"></script><iframe src="https://frame.test/frame"></iframe>
<form id="sign-in"><input name="email" id="email"><button>go</button></form>
<script>
new Worker('/worker.js');
navigator.sendBeacon('https://tracker.test/beacon', new Blob(['from a blob']));
const socket = new WebSocket('wss://socket.test/ws'); socket.onopen = () => socket.send('hello socket');
document.cookie = 'page_cookie=abc; max-age=3600';
sessionStorage.setItem('page_session', 'one');
localStorage.assigned = 'without setItem';
indexedDB.open('db', 1).onupgradeneeded = (event) => {
  event.target.result.createObjectStore('things').put({ id: 7 }, 'key');
};
document.getElementById('email').addEventListener('input', (event) => {
  fetch('https://tracker.test/typed', { method: 'POST', body: event.target.value });
});
addEventListener('pagehide', () => navigator.sendBeacon('https://tracker.test/bye', 'gone'));
</script>"""
LEAVING = """<a id="next" href="/">next</a><a id="window" href="/frame" target="_blank">window</a><script>
const send = (what, body) => navigator.sendBeacon('https://tracker.test/' + what, body);
addEventListener('pagehide', () => send('left', new Blob(['a blob at the ', 'end'])));
document.addEventListener('visibilitychange', () => send('hidden?' + document.visibilityState, ''));
</script>"""
TAG = """(function tag() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const seen = [navigator.hardwareConcurrency, screen.width, navigator.language, zone];
  for (let i = 0; i < 5; i += 1) seen.push(navigator.hardwareConcurrency);
  navigator.geolocation.getCurrentPosition((at) => fetch('https://tracker.test/collect', { method: 'POST',
    body: JSON.stringify({ seen, ua: navigator.userAgent, lat: at.coords.latitude, lon: at.coords.longitude }) }));
})();"""
PAGES: dict[str, tuple[str, str]] = {
    "/": (HTML, "<!doctype html><title>plain</title><p>hello</p>"),
    "/rich": (HTML, RICH),
    "/banner": (HTML, f"<!doctype html><title>banner</title><p>hello</p>{BANNER}"),
    "/tag.js": ("text/javascript", TAG),
    "/worker.js": ("text/javascript", "fetch('/from-worker', { method: 'POST', body: 'from a worker' });"),
    "/frame": (HTML, "<script>fetch('/from-frame'); localStorage.setItem('framed', '1'); screen.height;</script>"),
    "/leaving": (HTML, LEAVING),
    "/dialog": (HTML, "<script>alert('stop'); confirm('really'); fetch('/after-dialog');</script>"),
    "/spin": (HTML, "<script>location.href = '/spin?' + Math.random();</script>"),
    "/hang": (HTML, "<script>for (;;);</script>"),
    "/private-image": (HTML, "<img src='http://127.0.0.1:9/pixel'><img src='http://localhost:9/pixel'>"),
}


@dataclass
class Site:
    """A running server: its port, and the requests that came as (method, host, path, headers, body)."""

    port: int
    seen: list[tuple[str, str, str, dict[str, str], bytes]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path for _, _, path, _, _ in self.seen]

    @property
    def resolver(self) -> str:
        return f"MAP * 127.0.0.1:{self.port}"


def _handler(site: Site) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            site.seen.append((self.command, self.headers.get("host", ""), self.path, dict(self.headers), body))
            path = self.path.partition("?")[0]
            if path == "/ws":
                self._socket()
            elif path == "/loop":
                self._answer(302, "", b"", location="/loop")
            elif path == "/to-private":
                self._answer(302, "", b"", location="http://10.0.0.1/")
            elif path == "/missing":
                self._answer(404, HTML, b"<p>nothing here</p>")
            elif path == "/file":
                self._answer(200, "application/octet-stream", b"x" * 1000, **{"content-disposition": "attachment"})
            elif path == "/huge":
                self._huge()
            elif path == "/silent":
                time.sleep(30)
            else:
                kind, text = PAGES.get(path, ("application/json", "{}"))
                self._answer(200, kind, text.encode())

        do_POST = do_OPTIONS = do_GET

        def _answer(self, status: int, kind: str, body: bytes, **headers: str) -> None:
            self.send_response(status)
            told = {
                "content-type": kind,
                "content-length": str(len(body)),
                "access-control-allow-origin": "*",
                **headers,
            }
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _huge(self) -> None:
            self.send_response(200)
            self.send_header("content-type", HTML)
            self.send_header("content-length", str(1 << 30))
            self.end_headers()
            piece = b"<p>" + b"x" * (1 << 16) + b"</p>"
            for _ in range((1 << 30) // len(piece)):
                self.wfile.write(piece)

        def _socket(self) -> None:
            """One WebSocket (RFC 6455) that answers the first message with a greeting."""
            magic = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            accept = base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode()
            self.send_response(101)
            for name, value in {
                "upgrade": "websocket",
                "connection": "Upgrade",
                "sec-websocket-accept": accept,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.rfile.read(2 + 4 + 12)
            self.wfile.write(struct.pack("!BB", 0x81, 5) + b"heard")
            time.sleep(5)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody trusts, for any host."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "site.test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    signed = made.not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "site.pem"
    file.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A browser that goes away in the middle is what these tests are about."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve the pages on a free port of loopback, with TLS where TLS is given."""
    site = Site(0)
    server = _Server(("127.0.0.1", 0), _handler(site))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
