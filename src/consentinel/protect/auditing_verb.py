"""What `protect audit` does: reads the claim, audits a mechanism, outputs or canaries, and keeps AUDITS."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from consentinel.core.accounting import exact
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Outcome, Run
from consentinel.core.stats import tail
from consentinel.protect.auditing._finding import Claim, Measure
from consentinel.protect.auditor import Audited, audited, from_canaries, from_outputs
from consentinel.protect.declared import number, whole
from consentinel.protect.statistic import Bounds

__all__ = ["audit"]

LARGEST = 1 << 30  # bytes of a file of outputs


def audit(
    run: Run,
    *,
    mechanism: str,
    rho: str,
    epsilon: str,
    delta: float,
    low: str,
    high: str,
    groups: int,
    rows: int,
    n: int,
    level: float,
    seed: int,
    timing: int,
    outputs: list[Path],
    canaries: Path | None,
) -> Outcome:
    """Audit MECHANISM, OUTPUTS or CANARIES. Raises UsageError, BadInput, ContractBroken, MissingExtra."""
    if sum((bool(mechanism), bool(outputs), canaries is not None)) != 1:
        raise UsageError("name one: a mechanism, --outputs (twice) or --canaries")
    if bool(rho) == bool(epsilon):
        raise UsageError("say the claim as either --rho or --epsilon")
    tail(level)
    budget = exact(rho, "rho") if rho else exact(epsilon, "epsilon")
    measure: Measure = "rho" if rho else "epsilon"
    if mechanism:
        law: Literal["gaussian", "laplace"] = "gaussian" if rho else "laplace"
        if bool(low) != bool(high):
            raise UsageError("--low and --high are given together")
        ends = (number(low, "low"), number(high, "high")) if low else (None, None)
        bounds = Bounds(whole(groups, "groups"), whole(rows, "rows"), *ends)
        if not 0 <= timing <= 10**7:
            raise UsageError("timing is a number of draws from 0 to 10,000,000")
        found = audited(
            mechanism, law=law, budget=budget, delta=delta, bounds=bounds, n=whole(n, "n"), level=level, seed=seed,
            timing=timing,
        )  # fmt: skip
    else:
        claim = Claim(float(budget), measure, delta)
        said: dict[str, Any] = {"claimed": claim.amount, "measure": measure, "delta": delta, "level": level}
        if canaries is not None:
            scores, included = _canaries(run.read(canaries))
            found = Audited("canaries", claim, (("canaries", from_canaries(scores, included, **said)),))
        else:
            if len(outputs) != 2:
                raise UsageError("--outputs is given twice: for one input and for its neighbour")
            first, second = (_numbers(run.read(path)) for path in outputs)
            found = Audited("outputs", claim, (("events", from_outputs(first, second, **said)),))
    return Outcome(run, found.exit_code, {"audits": run.keep("audits", found.table())}, found.text())


def _numbers(path: Path) -> NDArray[np.float64]:
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput("is larger than 1 GiB", where=path.name, todo="Give fewer outputs")
        found = np.load(path, allow_pickle=False)
        if not isinstance(found, np.ndarray) or found.dtype.kind not in "iufb" or found.ndim not in (1, 2):
            raise ValueError
    except (OSError, ValueError, EOFError):
        raise BadInput(
            "is no array of numbers of shape (n,) or (n, k)", where=path.name, todo="Write it with numpy.save"
        ) from None
    return found.astype(np.float64)


def _canaries(path: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    try:
        table = pa_csv.read_csv(path)
        scores = table["score"].cast(pa.float64()).to_numpy()
        included = table["included"].cast(pa.int64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowKeyError, KeyError, OSError):
        scores = included = np.zeros(0)
    if not scores.size or not np.isfinite(scores).all() or not np.isin(included, (0, 1)).all():
        raise BadInput(
            "needs the columns score (finite numbers) and included (0 or 1)", where=path.name, todo="Correct the file"
        )
    return scores, included.astype(bool)
