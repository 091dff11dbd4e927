"""A model behind a URL that speaks the chat completions of OpenAI: what is sent to it, and what it answers."""

import json
import os
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from consentinel.core.errors import BadInput, UsageError

__all__ = ["Messages", "answered", "asked", "body", "said"]

Messages = Sequence[dict[str, str]]  # role (system, user or assistant) and content of each
MOST_BYTES = 1_000_000
KEY = "CONSENTINEL_MODEL_KEY"


def asked(model: str) -> tuple[str, str]:
    """Return the URL that MODEL is asked at and its name there; raises UsageError where MODEL is no such address.

    MODEL is the URL of the interface, such as http://127.0.0.1:8080/v1; a name after # is that of the model.
    """
    base, _, name = model.partition("#")
    try:
        where = urlsplit(base)
        fits = where.scheme in ("http", "https") and bool(where.hostname)
    except ValueError:  # such as brackets that do not close
        fits = False
    if not fits:
        raise UsageError("--model is none, local or the URL of an interface, such as http://127.0.0.1:8080/v1")
    return f"{base.rstrip('/')}/chat/completions", name or "default"


def body(messages: Messages, *, most_tokens: int, seed: int = 0, stop: Sequence[str] = ()) -> dict[str, Any]:
    """Return what is asked with MESSAGES: the likeliest answer for seed 0, a drawn one for others."""
    return {
        "messages": list(messages), "max_tokens": most_tokens, "stop": list(stop), "seed": seed,
        "temperature": 0.7 if seed else 0.0, "stream": False,
    }  # fmt: skip


def said(answer: Any) -> str:
    """Return the text in the ANSWER of a model; raises LookupError or TypeError where it has none."""
    return str(answer["choices"][0]["message"]["content"])


def answered(model: str, messages: Messages, *, most_tokens: int, seconds: float = 60.0, seed: int = 0,
             stop: Sequence[str] = ()) -> str:  # fmt: skip
    """Return what MODEL (see `asked`) answers within SECONDS; a key is read from CONSENTINEL_MODEL_KEY.

    Raises UsageError for a bad address, BadInput when the server does not answer. No redirect is followed.
    """
    url, name = asked(model)
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {key}"
    sent = {"model": name, **body(messages, most_tokens=most_tokens, seed=seed, stop=stop)}
    request = Request(url, json.dumps(sent).encode(), headers)
    try:
        with build_opener(_Stay).open(request, timeout=seconds) as reply:
            return said(json.loads(reply.read(MOST_BYTES)))
    except (OSError, HTTPException, ValueError, LookupError, TypeError) as why:
        told = type(why).__name__
        if isinstance(why, HTTPError):
            told = f"HTTP {why.code}"
            why.close()
        raise BadInput(f"the model did not answer ({told})", where="--model", todo="Check the URL") from None


class _Stay(HTTPRedirectHandler):
    """Go nowhere else than to the URL that was named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect."""
