"""Ask a model behind any URL that speaks the chat completions of OpenAI; it sees the schema and no rows."""

from consentinel.understand.askers._prompt import messages, statement
from consentinel.understand.askers._setting import Proposal, Setting
from consentinel.understand.asking.live import Live
from consentinel.understand.chat_endpoint import answered

__all__ = ["TRIES", "propose"]

TRIES = 3  # that have to agree
MOST_TOKENS = 400


def propose(question: str, live: Live, setting: Setting) -> Proposal:
    """Return the SQL that the model at the URL proposes.

    Raises UsageError for a bad URL, BadInput when the server does not answer, Refused for a question that cannot be
    checked.
    """
    talk = messages(question, live, setting)
    text = answered(
        setting.model, talk, most_tokens=MOST_TOKENS, seconds=setting.seconds, seed=setting.seed, stop=(";",)
    )
    return Proposal(statement(text))
