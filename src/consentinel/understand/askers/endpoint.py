"""Ask a model behind any URL that speaks the chat completions of OpenAI; it sees the schema and no rows."""

import json
import os
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from consentinel.core.errors import BadInput, UsageError
from consentinel.understand.askers._prompt import messages, statement
from consentinel.understand.askers._setting import Proposal, Setting
from consentinel.understand.asking.live import Live

__all__ = ["TRIES", "propose"]

TRIES = 3  # that have to agree
MOST_BYTES = 1_000_000


def propose(question: str, live: Live, setting: Setting) -> Proposal:
    """Return the SQL that the model at the URL proposes; a key is read from CONSENTINEL_MODEL_KEY.

    The URL is that of the interface, such as http://127.0.0.1:8080/v1; a name after # is that of the model. Raises
    UsageError for a bad URL, BadInput when the server does not answer, Refused for a question that cannot be checked.
    """
    base, _, model = setting.model.partition("#")
    where = urlsplit(base)
    if where.scheme not in ("http", "https") or not where.hostname:
        raise UsageError("--model is none, local or the URL of an interface, such as http://127.0.0.1:8080/v1")
    body = {
        "model": model or "default", "messages": messages(question, live, setting), "max_tokens": 400, "stop": [";"],
        "temperature": 0.7 if setting.seed else 0.0, "seed": setting.seed, "stream": False,
    }  # fmt: skip
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("CONSENTINEL_MODEL_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    asked = urllib.request.Request(f"{base.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers)
    try:
        with urllib.request.build_opener(_Stay).open(asked, timeout=setting.seconds) as reply:
            said = json.loads(reply.read(MOST_BYTES))
        text = said["choices"][0]["message"]["content"]
    except (OSError, ValueError, LookupError, TypeError) as why:
        told = f"HTTP {why.code}" if isinstance(why, urllib.error.HTTPError) else type(why).__name__
        raise BadInput(f"the model did not answer ({told})", where="--model", todo="Check the URL") from None
    return Proposal(statement(str(text)))


class _Stay(urllib.request.HTTPRedirectHandler):
    """Go nowhere else than to the URL that was named."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Follow no redirect."""
