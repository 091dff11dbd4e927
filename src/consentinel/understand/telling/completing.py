"""A model that says things in other words: SmolLM2-135M on this machine, or any OpenAI-compatible endpoint."""

from consentinel.understand import chat_endpoint, packaged_model
from consentinel.understand.telling.phrasing import Complete

__all__ = ["completer"]

MOST_TOKENS = 120


def completer(model: str) -> Complete | None:
    """Return what completes a prompt: nothing for none, the packaged model for local, else the endpoint at MODEL.

    Raises UsageError for another word, MissingExtra without the packaged model.
    """
    if model in ("", "none"):
        return None
    if model == "local":
        packaged_model.loaded()
        return lambda prompt: packaged_model.answered(_talk(prompt), most_tokens=MOST_TOKENS)
    chat_endpoint.asked(model)
    return lambda prompt: chat_endpoint.answered(model, _talk(prompt), most_tokens=MOST_TOKENS)


def _talk(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]
