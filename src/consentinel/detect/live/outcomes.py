"""How visits end, in one word each, and what an error of the browser means."""

__all__ = ["AGAIN", "DONE", "OUTCOMES", "told_by"]

DONE = "done"
OUTCOMES = {
    DONE: "the visit is whole",
    "http_error": "the server answered with an error",
    "redirect_loop": "the site sent the browser on without end",
    "tls_error": "the certificate or the encryption was refused",
    "unreachable": "the host was not found or did not answer",
    "download": "the address is a file, which was not taken",
    "too_big": "more came than is allowed",
    "timeout": "the visit did not end in time",
    "crashed": "the page or the browser crashed",
    "refused": "the address may not be visited",
    "flow_failed": "a step of the flow could not be done",
    "failed": "the browser gave up for another reason",
}
AGAIN = frozenset(("unreachable", "timeout", "crashed", "failed"))  # another attempt may end otherwise

_NET = (  # the first that fits; names of Chromium's network errors
    ("ERR_TOO_MANY_REDIRECTS", "redirect_loop"),
    ("ERR_CERT_", "tls_error"),
    ("ERR_SSL_", "tls_error"),
    ("ERR_BAD_SSL", "tls_error"),
    ("ERR_ECH_", "tls_error"),
    ("ERR_BLOCKED_BY", "refused"),
    ("ERR_UNSAFE_PORT", "refused"),
    ("ERR_NAME_", "unreachable"),
    ("ERR_CONNECTION_", "unreachable"),
    ("ERR_ADDRESS_", "unreachable"),
    ("ERR_INTERNET_", "unreachable"),
    ("ERR_NETWORK_", "unreachable"),
    ("ERR_DNS_", "unreachable"),
    ("ERR_SOCKET_", "unreachable"),
    ("ERR_EMPTY_RESPONSE", "unreachable"),
    ("ERR_TIMED_OUT", "unreachable"),
    ("ERR_HTTP_RESPONSE_CODE_FAILURE", "http_error"),
    ("ERR_HTTP2_", "unreachable"),
    ("Download is starting", "download"),
    ("crashed", "crashed"),
    ("has been closed", "crashed"),
    ("Connection closed", "crashed"),
    ("Timeout ", "timeout"),
)


def told_by(message: str, *, downloads: int = 0) -> tuple[str, str]:
    """Return (outcome, why) for the MESSAGE of an error of Playwright, after DOWNLOADS that were refused.

    Why is the name of the network error where there is one: messages quote addresses.
    """
    if downloads and "ERR_ABORTED" in message:
        return "download", OUTCOMES["download"]
    outcome = next((outcome for mark, outcome in _NET if mark in message), "failed")
    start = message.find("net::ERR_")
    name = message[start + 5 :].split()[0].strip(".,;:") if start >= 0 else ""
    return outcome, name or OUTCOMES[outcome]
