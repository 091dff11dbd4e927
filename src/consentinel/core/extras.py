"""Take a module that an optional install brings, or say the one command that installs it."""

from importlib import import_module
from types import ModuleType

from consentinel.core.errors import MissingExtra

__all__ = ["need"]


def need(module: str, *, extra: str) -> ModuleType:
    """Import MODULE, which the extra EXTRA of this package installs, and return it.

    Raises MissingExtra when it is not installed; a fault inside an installed module is passed on as it is.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as why:
        if why.name is None or why.name.partition(".")[0] != module.partition(".")[0]:
            raise
        command = f"pip install 'consentinel[{extra}]'"
        raise MissingExtra(f"this needs '{module}', which is not installed; install it with: {command}") from None
