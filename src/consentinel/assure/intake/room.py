"""A model file that `consentinel models train` made; it can be asked again, and looked into where its kind allows."""

from pathlib import Path

from consentinel.assure.intake._opened import Opened
from consentinel.core import meeting
from consentinel.core.errors import BadInput

__all__ = ["ALLOWS", "opened", "takes"]

ALLOWS = "it can be asked again and looked into; to train it again needs --trainer and --learned"


def takes(given: str, /) -> bool:
    """Return whether GIVEN has the suffix of a model file."""
    return given.lower().endswith(".safetensors")


def opened(given: str, kind: str, /) -> Opened:
    """Return the model in the file GIVEN; raises BadInput where it is damaged, of no known part or not of KIND."""
    path = Path(given)
    model = meeting.opened_model(path)
    if model.kind != kind:
        raise BadInput(f"is a {model.kind} model", where=path.name, todo=f"Audit it with --kind {model.kind}")
    return Opened(model=model, made_of=(path,))
