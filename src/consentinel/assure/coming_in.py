"""Which way a model comes in, found from what was typed."""

from pathlib import Path

from consentinel.assure.intake._opened import Opened
from consentinel.assure.shelves import INTAKE
from consentinel.core.errors import BadInput, ConsentinelError, UsageError

__all__ = ["came_in", "trainer_named", "ways"]

_CODE = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".npy", ".npz", ".h5", ".keras", ".zip", ".py")


def ways() -> str:
    """Return the ways in, one a line, with what each allows."""
    return "\n".join(f"  {name}: {INTAKE.summary(name)[:-1]} ({INTAKE.take(name).ALLOWS})" for name in INTAKE.names())


def came_in(given: str, kind: str) -> tuple[str, Opened]:
    """Return the way that the model GIVEN comes in by, and what came; raises UsageError, BadInput.

    Where several ways know the suffix each is tried, and if none can open it all say why.
    """
    if given.lower().endswith(_CODE):
        raise UsageError(
            f"{Path(given).name}: such files can hold code that runs when they are opened, so they never are. Save the "
            "model as ONNX or safetensors, keep its predictions, or name it as module:function"
        )
    fit = [name for name in INTAKE.names() if INTAKE.take(name).takes(given)]
    if not fit:
        raise UsageError(f"'{given[-80:]}' is no model that can come in. There is:\n{ways()}")
    said: list[ConsentinelError] = []
    for name in fit:
        try:
            return name, INTAKE.take(name).opened(given, kind)
        except (BadInput, UsageError) as why:
            said.append(why)
    if len(said) == 1:
        raise said[0]
    told = [f"as {name}: {_said(why)}" for name, why in zip(fit, said, strict=True)]
    raise BadInput("; ".join(told), where=Path(given).name)


def trainer_named(given: str, kind: str) -> Opened:
    """Return the trainer GIVEN: a part of the models room, or module:name with train(rows, seed=)."""
    for name in ("part", "callable"):
        if INTAKE.take(name).takes(given):
            found = INTAKE.take(name).opened(given, kind)
            if found.trainer is None:
                raise UsageError(f"'{given[:80]}' has no train(rows, seed=...) that returns a model, nor a kind")
            return found
    raise UsageError(f"'{given[:80]}' is no trainer: name a part such as recommend/ease:reg=200, or module:name")


def _said(why: ConsentinelError) -> str:
    return f"{why.what}. {why.todo}".removesuffix(". ") if isinstance(why, BadInput) else str(why)
