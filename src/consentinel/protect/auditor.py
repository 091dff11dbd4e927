"""Audit a mechanism against its claim with every part of the shelf that fits it; the owner of empirical epsilon."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core.errors import UsageError
from consentinel.protect.auditing import _views, canaries
from consentinel.protect.auditing._events import judged, tested
from consentinel.protect.auditing._finding import Claim, Finding, Measure, Plan, Verdict, rows
from consentinel.protect.auditing.timing import Draws
from consentinel.protect.shelves import AUDITING
from consentinel.protect.statistic import Bounds
from consentinel.protect.under_audit import named

__all__ = ["AUDITING", "AUDITS", "Audited", "audited", "from_canaries", "from_outputs"]


AUDITS = pa.schema(
    [
        ("run_id", pa.dictionary(pa.int32(), pa.string())),
        ("subject", pa.string()), ("test", pa.string()), ("bug_classes", pa.string()), ("measure", pa.string()),
        ("claimed", pa.float64()), ("lower_bound", pa.float64()), ("delta", pa.float64()),
        ("claimed_epsilon", pa.float64()), ("lower_bound_epsilon", pa.float64()), ("low", pa.float64()),
        ("high", pa.float64()), ("p", pa.float64()), ("verdict", pa.string()), ("why", pa.string()), ("n", pa.int64()),
        ("error_rate", pa.float64()),
    ]
)  # fmt: skip
EXIT: dict[Verdict, int] = {"consistent": 0, "refuted": 1, "insufficient": 3}


@dataclass(frozen=True)
class Audited:
    """The findings about one mechanism, by test."""

    subject: str
    claim: Claim
    findings: tuple[tuple[str, Finding], ...]

    @property
    def verdict(self) -> Verdict:
        """Refuted by any test; insufficient where no test of the epsilon could have refuted the claim."""
        if any(found.verdict == "refuted" for _, found in self.findings):
            return "refuted"
        bounds = [found.verdict for test, found in self.findings if test in ("events", "histogram", "canaries")]
        return "insufficient" if all(one == "insufficient" for one in bounds) else "consistent"

    @property
    def exit_code(self) -> int:
        """0 not refuted, 1 refuted, 3 insufficient evidence."""
        return EXIT[self.verdict]

    @property
    def best(self) -> Finding:
        """The finding with the largest lower bound in the measure of the claim."""
        return max((found for _, found in self.findings), key=lambda found: found.lower_bound)

    def table(self) -> pa.Table:
        """Return one row of AUDITS for each test."""
        lines = [
            {
                "run_id": "", "subject": self.subject, "test": test,
                "bug_classes": " ".join(AUDITING.take(test).CATCHES), "delta": self.claim.delta,
                "low": found.interval[0], "high": found.interval[1],
            } | {name: value for name, value in vars(found).items() if name != "interval"}
            for test, found in self.findings
        ]  # fmt: skip
        return pa.Table.from_pylist(lines, AUDITS)

    def text(self) -> str:
        """Return the verdict and a line for each test."""
        best, at = self.best, f" at delta {self.claim.delta:g}" if self.claim.delta else ""
        words = {
            "refuted": f"{self.subject}: the claim is refuted",
            "consistent": f"{self.subject}: the claim is not refuted",
            "insufficient": f"{self.subject}: not enough evidence; ask for more outputs",
        }
        lines = [
            f"{words[self.verdict]}: epsilon {best.claimed_epsilon:.4g}{at} is claimed, at least "
            f"{best.lower_bound_epsilon:.4g} is shown (interval {best.interval[0]:.4g} to {best.interval[1]:.4g})"
        ]
        lines += [f"  {found.verdict:12} {test:12} p = {found.p:.2g}: {found.why}" for test, found in self.findings]
        return "\n".join(lines)


def audited(
    mechanism: str,
    *,
    law: Literal["gaussian", "laplace"],
    budget: Fraction,
    delta: float,
    bounds: Bounds,
    n: int = 200_000,
    level: float = 0.99,
    seed: int = 0,
    timing: int = 2_000,
) -> Audited:
    """Audit MECHANISM, of this package or yours, with every part that fits it.

    Arguments: mechanism, law, budget, delta and bounds as `under_audit.named`; n outputs on each of the neighbouring
    inputs; level, the chance with which a true claim stands all tests together; seed of the auditor's permutations;
    timing, the draws under the clock (0: none).
    Raises UsageError, ContractBroken, MissingExtra.
    """
    subject = named(mechanism, law, budget, delta, bounds)
    tests = ["events", *(["histogram"] if subject.discrete else []), "lattice", *(["timing"] if timing else [])]
    plan = Plan(subject.claim, n, subject.pairs, 1 - (1 - level) / len(tests), seed)
    found = []
    for test in tests:
        if test == "timing":
            part, wanted = Draws(subject.draw), replace(plan, n=timing)
            found.append((test, AUDITING.take(test).audit(part, wanted)))
        else:
            found.append((test, AUDITING.take(test).audit(subject.release, plan)))
    return Audited(subject.name, subject.claim, tuple(found))


def from_outputs(
    first: NDArray[Any],
    second: NDArray[Any],
    *,
    claimed: float,
    measure: Measure = "epsilon",
    delta: float = 0.0,
    level: float = 0.99,
) -> Finding:
    """Return what outputs on two neighbouring inputs, made by anyone, say of a claim.

    Arguments: independent outputs as numbers, shape (n,) or (n, k), the k alike on both sides; the claim as
    `Claim`: claimed in measure, at delta; level of the lower bound. Raises UsageError, ContractBroken.
    """
    one, two = (rows(np.asarray(outputs), len(outputs)) for outputs in (first, second))
    if one.shape[1:] != two.shape[1:] or min(len(one), len(two)) < 8:
        raise UsageError("outputs on both inputs have one width, and there are at least 8 of either")
    plan = Plan(Claim(claimed, measure, delta), min(len(one), len(two)), level=level)
    views = [_views.numbers, _views.likelihood, _views.shape, _views.exact_row]
    return judged([tested(one, two, plan, views)], plan)


def from_canaries(
    scores: NDArray[Any],
    included: NDArray[Any],
    *,
    claimed: float,
    measure: Measure = "epsilon",
    delta: float = 0.0,
    level: float = 0.99,
) -> Finding:
    """Return what the SCORES of canaries in one finished run say of a claim.

    Arguments: a score for each canary, higher where it looks trained on; which were INCLUDED, by fair independent
    coins, both of shape (count,); the rest as `from_outputs`. Raises UsageError, ContractBroken.
    """
    bits = np.asarray(included, dtype=bool)
    plan = Plan(Claim(claimed, measure, delta), level=level)
    return canaries.audit(canaries.Canaries(lambda _: scores, bits.size, bits), plan)
