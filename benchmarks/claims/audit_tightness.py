"""Tightness of `protect audit`: the share of their claims that audits of our own mechanisms show; none is refuted."""

from dataclasses import replace
from fractions import Fraction
from typing import Literal

from _claim import write
from consentinel.protect.auditor import audited
from consentinel.protect.statistic import Bounds

NAMES = ("audit_tightness_laplace", "audit_tightness_gaussian", "audit_own_refuted")
OUTPUTS, LEVEL, DELTA = 2_000_000, 0.9999, 1e-3
NONE, ONE = Bounds(1, 1, None, None), Bounds(1, 1, Fraction(0), Fraction(1))
AMOUNTS = Bounds(2, 3, Fraction(-5), Fraction(10))
Law = Literal["gaussian", "laplace"]
LAWS: dict[Law, Fraction] = {"laplace": Fraction(1), "gaussian": Fraction(1, 8)}
MECHANISMS = ("count", "histogram", "mean", "partitions", "quantiles", "sum", "top_k", "variance")


def main() -> None:
    """Measure and write the three numbers."""
    for law, budget in LAWS.items():
        done = audited(
            f"discrete_{law}", law=law, budget=budget, delta=DELTA, bounds=NONE, n=OUTPUTS, level=LEVEL, timing=0
        )
        shares = [found.lower_bound / found.claimed for test, found in done.findings if test != "lattice"]
        print(done.text(), flush=True)
        write(
            f"audit_tightness_{law}", value=max(shares), low=min(shares), high=max(shares), n=OUTPUTS * 2,
            protocol=f"lower bound over claim for our exact discrete {law.capitalize()} sampler, sensitivity 1, "
            f"{'epsilon' if law == 'laplace' else 'rho'} {budget} (in {done.claim.measure}), {OUTPUTS:,} outputs on "
            f"each of two neighbours, {LEVEL:.2%} confidence; the range is that of the two tests (events, histogram)",
        )  # fmt: skip
    audits = [
        audited(name, law=law, budget=budget, delta=DELTA, bounds=bounds, n=OUTPUTS // 20, level=LEVEL, timing=0)
        for name in MECHANISMS
        for law, budget in LAWS.items()
        for bounds in (ONE, replace(AMOUNTS, rows=1) if name == "variance" else AMOUNTS)
    ]
    refuted = sum(one.verdict == "refuted" for one in audits)
    shares = [one.best.lower_bound / one.claim.amount for one in audits]
    for one in audits:
        print(one.text(), flush=True)
    write(
        NAMES[2], value=refuted, low=refuted, high=refuted, n=len(audits),
        protocol=f"audits of {', '.join(MECHANISMS)}, whose statistics DuckDB computes, under zCDP and pure privacy, "
        f"one and several groups and rows a person, {OUTPUTS // 20:,} outputs on each neighbour, confidence "
        f"{LEVEL:.2%}; lower bound over claim from {min(shares):.3f} to {max(shares):.3f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
