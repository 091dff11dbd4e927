"""What a question would cost and what its answer would be worth, from public facts: the work of `protect plan`.

Nothing is spent, and of the tables only names and types of columns and the digests of the files are read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.core.accounting import MICRO
from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.stats import tail
from consentinel.protect import plan_file
from consentinel.protect.answer_files import columns
from consentinel.protect.costing import Budget, Paid, named_numbers, split
from consentinel.protect.estimates import Facts, Law
from consentinel.protect.forecast import detectable_lift
from consentinel.protect.mechanisms import partitions
from consentinel.protect.opening import Answerable, budget_for, opened_question
from consentinel.protect.splitting import deviations

__all__ = ["FORECASTS", "Guess", "plan"]

# One row is one answer under one budget.
FORECASTS = pa.schema(
    [("run_id", pa.dictionary(pa.int32(), pa.string())), ("name", pa.string()), ("mechanism", pa.string()),
     ("law", pa.string()), ("amount", pa.float64()), ("epsilon", pa.float64()), ("micro_rho", pa.int64()),
     ("half_width", pa.float64()), ("detectable", pa.float64())]
)  # fmt: skip
MOST = 1000 * MICRO  # a rho of 1,000 protects nobody; beyond it the search ends
GRID = (Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(2), Fraction(4))


@dataclass(frozen=True)
class Guess:
    """Public or guessed facts about one group (one arm of an experiment), as `Facts`, and about an experiment.

    rate: expected outcome of a person without treatment; power: with which a lift is to be found.
    """

    units: float
    mean: float | None
    spread: float | None
    share: float
    clipped: float
    rate: float | None
    power: float

    def facts(self, groups: int) -> Facts:
        """Return them for a forecast of an answer with so many GROUPS."""
        mean = self.mean if self.rate is None else self.rate
        return Facts(self.units, mean, self.spread, self.share, self.clipped, {"groups": float(max(1, groups))})


def plan(
    run: Run,
    text: str,
    guess: Guess,
    *,
    tables: Path | None,
    groups: int,
    rows: int,
    rho: str,
    epsilon: str,
    law: Law,
    delta: str,
    shares: str,
    wanted: str,
) -> Outcome:
    """Forecast the question TEXT, keep plan.json and forecast.parquet; raises UsageError, BadInput, NotSupported."""
    if not tail(0.95) < guess.power < 1:
        raise UsageError(f"a power is a probability above 0.05 and below 1, got {guess.power}")
    question = opened_question(text, tables, groups=groups, rows=rows, read=run.read)
    parts = question.parts
    facts = guess.facts(getattr(getattr(question, "asked", None), "width", 1))
    limits = {} if not wanted else _wanted(wanted, [part.name for part in parts if not part.names])
    if limits and (rho or epsilon):
        raise UsageError("--wanted finds the smallest budget; leave out --rho and --epsilon")
    if limits:
        least = budget_for(question, "" if law == "laplace" else "1", "1" if law == "laplace" else "", law, delta)
        budget = _smallest(question, least, shares, limits, facts)
    else:
        budget = budget_for(question, rho, epsilon, law, delta)
    paid = split(parts, budget, shares)
    question.check(paid)
    digests = question.digests()
    if not digests:
        run.note("planned without files: plan again with them before measuring")
    asked = question.question(digests)
    over = [pair for step in GRID for pair in _on_grid(question, budget, step, shares)]
    lines = [_line(grid, one, guess, facts) for grid, one in over]
    run.assume(question=asked.digest, kind=question.kind, unit=question.protects, neighbours="add or remove one unit")
    kept = run.out / "plan.json"
    with atomic(kept) as beside:
        beside.write_text(json.dumps(plan_file.record(asked, digests, budget, shares, paid), indent=2) + "\n", "utf-8")
    files = {"plan": run.kept(kept), "forecast": run.keep("forecast", pa.Table.from_pylist(lines, FORECASTS))}
    return Outcome(run, 0, files, _told(question, budget, paid, lines, bool(limits)))


def _wanted(text: str, names: Sequence[str]) -> dict[str, Fraction]:
    """Read "5", for every answer, or "name=5,name=0.1"."""
    return named_numbers(text if "=" in text else ",".join(f"{name}={text}" for name in names), names, "wanted")


def _smallest(question: Answerable, like: Budget, shares: str, limits: Mapping[str, Fraction], facts: Facts) -> Budget:
    """Return the smallest budget, in whole millionths, with which all half widths are within LIMITS."""

    def at(millionths: int) -> Budget:
        return Budget(like.law, Fraction(millionths, MICRO), like.delta, like.naming)

    def missed(budget: Budget) -> list[tuple[str, float]]:
        widths = [(one.part.name, half_width(one, facts)) for one in split(question.parts, budget, shares)]
        return [(name, width) for name, width in widths if name in limits and width > limits[name]]

    beyond = missed(at(MOST))
    if beyond:
        name, width = beyond[0]
        raise UsageError(
            f"no budget makes '{name}' that precise: without noise the interval is still about +-{width:.3g} (sampling "
            "of units and clipping); ask for more units, wider bounds or a wider interval"
        )
    low, high = 0, MOST
    while high - low > 1:
        middle = (low + high) // 2
        try:
            reached = not missed(at(middle))
        except UsageError:  # too little to divide
            reached = False
        low, high = (low, middle) if reached else (middle, high)
    return at(high)


def half_width(paid: Paid, facts: Facts) -> float:
    """Return the expected half width of the 95% interval of one part."""
    part = paid.part
    return float(part.shape.forecast(part.bounds, deviations(paid.statistics, paid.params), facts))


def _on_grid(question: Answerable, budget: Budget, step: Fraction, shares: str) -> list[tuple[Budget, Paid]]:
    amount = Fraction(int(budget.amount * step * MICRO), MICRO)
    try:
        grid = Budget(budget.law, amount, budget.delta, budget.naming)
        return [(grid, one) for one in split(question.parts, grid, shares)]
    except UsageError:  # a quarter may be too little to divide
        return []


def _line(grid: Budget, one: Paid, guess: Guess, facts: Facts) -> dict[str, Any]:
    return {
        "run_id": "", "name": one.part.name, "mechanism": one.part.mechanism, "law": grid.law,
        "amount": float(grid.amount), "epsilon": grid.epsilon, "micro_rho": one.micro,
        "half_width": half_width(one, facts), "detectable": _detectable(one, grid.law, guess, facts),
    }  # fmt: skip


def _detectable(one: Paid, law: Law, guess: Guess, facts: Facts) -> float | None:
    """Return the smallest true difference of two arms that would be found; None where ONE is no experiment."""
    part = one.part
    if hasattr(part.shape, "detectable"):
        scales = deviations(one.statistics, one.params)
        return float(part.shape.detectable(part.bounds, scales, facts, chance=guess.power))
    shares_of_one = (part.bounds.low, part.bounds.high, part.bounds.rows) == (0, 1, 1)
    if part.mechanism != "mean" or guess.rate is None or not shares_of_one:
        return None
    arm = max(1, int(guess.units))
    return detectable_lift(guess.rate, arm, arm, part.bounds, one.budget, power=guess.power, law=law).absolute


def _told(
    question: Answerable, budget: Budget, paid: Sequence[Paid], lines: Sequence[dict[str, Any]], found: bool
) -> str:
    least = "the smallest budget: " if found else ""
    head = (
        f"{question.kind}, unit {question.protects}: {least}{budget.told}; "
        f"{sum(one.micro for one in paid)} micro-rho in {len(paid)} charge(s)"
    )
    cells = [["answer", "epsilon", "micro-rho", "half width (95%)", "smallest difference found"]]
    for line in lines:
        seen = "-" if line["detectable"] is None else f"{line['detectable']:.4g}"
        cells.append(
            [line["name"], f"{line['epsilon']:.4g}", str(line["micro_rho"]), f"{line['half_width']:.4g}", seen]
        )
    notes = [
        f"Groups whose noisy number of {question.protects}s is below {_threshold(one)} are not named."
        for one in paid
        if one.part.names
    ]
    return "\n".join([head, "", *columns(cells), "", *notes, "Nothing was spent. Measure it with: --plan plan.json"])


def _threshold(one: Paid) -> int:
    return partitions.threshold(one.params["sigma_units"], one.part.bounds, one.params["delta"])
