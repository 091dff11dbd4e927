"""Ask the small model SmolLM2-135M on this machine; nothing leaves it."""

from consentinel.understand.askers._prompt import messages, statement
from consentinel.understand.askers._setting import Proposal, Setting
from consentinel.understand.asking.live import Live
from consentinel.understand.packaged_model import answered

__all__ = ["TRIES", "propose"]

TRIES = 3  # that have to agree
MOST_TOKENS = 160


def propose(question: str, live: Live, setting: Setting) -> Proposal:
    """Return the SQL that the model proposes; raises Refused for a question that cannot be checked, MissingExtra."""
    talk = messages(question, live, setting)
    return Proposal(statement(answered(talk, most_tokens=MOST_TOKENS, seed=setting.seed, stop=(";",))))
