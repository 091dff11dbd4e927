"""A part of the models room by its name, such as recommend/ease:reg=200, which learns from --learned first."""

import re

from consentinel.assure.intake._opened import Opened, is_file
from consentinel.core import meeting
from consentinel.core.errors import UsageError

__all__ = ["ALLOWS", "opened", "takes"]

ALLOWS = "it can be asked again, looked into and trained again, which shadow models and mitigation need"
_NAMED = re.compile(r"[a-z]+/[a-z0-9_]+(:.*)?", re.DOTALL)


def takes(given: str, /) -> bool:
    """Return whether GIVEN looks like shelf/part, with settings after a colon, and is no file."""
    return _NAMED.fullmatch(given) is not None and not is_file(given)


def opened(given: str, kind: str, /) -> Opened:
    """Return the trainer of the part GIVEN; raises UsageError for a part or a setting that there is not."""
    trainer = meeting.trainer(given)
    if trainer.kind != kind:
        raise UsageError(f"{given[:80]} makes a {trainer.kind} model; audit it with --kind {trainer.kind}")
    return Opened(trainer=trainer)
