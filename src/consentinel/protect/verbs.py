"""Verbs of protect: what a person can ask of private data, at what price, and what vouches for it."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run
from consentinel.core.state import shown

__all__ = ["audit", "ledger", "measure", "plan"]


def audit(
    mechanism: str = "",
    *,
    out: Path = Path("runs/audit"),
    rho: str = "",
    epsilon: str = "",
    delta: float = 1e-6,
    low: str = "",
    high: str = "",
    groups: int = 1,
    rows: int = 1,
    n: int = 200_000,
    level: float = 0.99,
    seed: int = 0,
    timing: int = 2000,
    outputs: list[Path] | None = None,
    canaries: Path | None = None,
) -> Outcome:
    """Try to refute a privacy claim: of a mechanism of this package, of a function of yours, of recorded outputs.

    Ends in 0 when the claim stands, in 1 when it is refuted, in 3 when there is too little evidence.

    Args:
        mechanism: a part of protect/mechanisms or protect/noise, or module:function taking (data, n)
        out: folder for the audits and run.json
        rho: the claim in zCDP, an exact number; Gaussian noise
        epsilon: the claim as an epsilon (of a function, outputs or canaries: at delta); Laplace noise
        delta: at which an epsilon is meant or shown; for a pure claim of a function, outputs or canaries 0
        low: lowest value of a row that counts, where the mechanism needs a range
        high: highest value of a row that counts
        groups: most groups of one unit
        rows: most rows of one unit in a group
        n: outputs on each of the neighbouring inputs
        level: chance with which a true claim stands all tests together
        seed: number that the auditor's permutations follow
        timing: draws under the clock; 0 leaves the clock out
        outputs: two files of numbers (.npy): outputs on one input and on its neighbour; give it twice
        canaries: CSV with the columns score and included (0 or 1), of one finished run
    """
    from consentinel.protect import auditing_verb

    asked: dict[str, Any] = {
        "mechanism": mechanism, "rho": rho, "epsilon": epsilon, "delta": delta, "low": low, "high": high,
        "groups": groups, "rows": rows, "n": n, "level": level, "seed": seed, "timing": timing,
        "outputs": outputs or [], "canaries": canaries,
    }  # fmt: skip
    with Run.open("protect.audit", out, **asked) as run:
        return auditing_verb.audit(run, **asked)


def ledger(
    action: Literal["create", "grant", "show", "explain", "verify", "adopt"],
    *,
    ledger: str,
    out: Path = Path("runs/ledger"),
    dataset: str = "",
    unit: str = "person",
    epoch: str = "all",
    rho: str = "",
    epsilon: str = "",
    delta: str = "",
    quotas: str = "",
    reserves: str = "",
    principal: str = "",
    purpose: str = "",
    forfeit: bool = False,
    ledger_key: Path | None = None,
    witness: Path | None = None,
) -> Outcome:
    """Make a ledger of privacy budgets, grant budgets, look, ask why not, check it, take it over.

    A question that would be refused ends explain in 4.

    Args:
        action: create; grant a budget or divide one; show what was spent; explain whether a question fits, and if not
            why; verify every entry; adopt a ledger that was moved, or with --forfeit one that was set back
        ledger: the ledger, a file or postgresql://USER@HOST/DATABASE
        out: folder for the tables and run.json
        dataset: data that the budget belongs to
        unit: who is protected
        epoch: which of the data, for example 2026, 2026-Q4, 2026-11, 2026-W47, 2026-11-22, or a name
        rho: budget to grant, or price to explain, an exact number such as 1/4
        epsilon: the same as an epsilon; what is granted is the largest rho that stands for at most it at delta
        delta: at which a budget is told as an epsilon; 1e-6 for a new one
        quotas: parts of a budget that principals may use and others cannot take, for example ads=1/2,lift=0.3
        reserves: parts of a budget that are kept for a purpose
        principal: who would ask
        purpose: what for
        forfeit: give up what is left in a ledger that lost entries or its witnesses
        ledger_key: file of the ledger's key; beside the ledger where none is named
        witness: second file that remembers how far the ledger came, best on another disk
    """
    from consentinel.protect import keeping

    asked: dict[str, Any] = {
        "dataset": dataset, "unit": unit, "epoch": epoch, "rho": rho, "epsilon": epsilon, "delta": delta,
        "quotas": quotas, "reserves": reserves, "principal": principal, "purpose": purpose, "forfeit": forfeit,
        "key": ledger_key, "witness": witness,
    }  # fmt: skip
    with Run.open("protect.ledger", out, action=action, ledger=shown(ledger), **asked) as run:
        return keeping.told(run, action, ledger, **asked)


def measure(
    question: str,
    *,
    ledger: str,
    dataset: str,
    epoch: str,
    principal: str,
    purpose: str,
    out: Path = Path("runs/measure"),
    tables: Path | None = None,
    plan: Path | None = None,
    rho: str = "",
    epsilon: str = "",
    delta: str = "1e-6",
    law: Literal["gaussian", "laplace"] = "gaussian",
    shares: str = "",
    groups: int = 0,
    rows: int = 0,
    level: float = 0.95,
    ledger_key: Path | None = None,
    witness: Path | None = None,
) -> Outcome:
    """Answer a question about private tables with noise and intervals, paid from a ledger before anything is drawn.

    What the ledger refuses ends in 4. What was spent stays spent, also when the answer cannot be made afterwards.

    Args:
        question: SQL, a file of SQL (.sql), or a TOML file that asks for lift, attribution or reach
        ledger: ledger that pays, a file or postgresql://USER@HOST/DATABASE
        dataset: data set whose budget pays
        epoch: epoch whose budget pays; a table with an epoch column has to be limited to it
        principal: who asks
        purpose: what the answer is for
        out: folder for the answer, releases.parquet and run.json
        tables: TOML file that declares the tables of SQL: units, bounds, ranges, keys
        plan: plan.json of `plan`, which says the budget; a table or question that changed since is refused
        rho: budget of the whole question in zCDP, an exact number such as 1/4
        epsilon: the same as an epsilon; the largest rho that stands for at most it at delta, with laplace a pure one
        delta: at which an epsilon is told; where groups have to be found, half of it is for that
        law: noise: gaussian (zCDP) or laplace (pure)
        shares: how the budget is divided, for example total=2,n=1; alike where it is not said
        groups: most groups that a unit is kept in; 0 as declared
        rows: most rows of a unit kept in a group; 0 as declared
        level: of the intervals
        ledger_key: file of the ledger's key; beside the ledger where none is named
        witness: second file that remembers how far the ledger came
    """
    from consentinel.protect import answering

    asked: dict[str, Any] = {
        "tables": tables, "groups": groups, "rows": rows, "rho": rho, "epsilon": epsilon, "law": law, "delta": delta,
        "shares": shares, "level": level, "planned": plan,
    }  # fmt: skip
    paid_by = {"dataset": dataset, "epoch": epoch, "principal": principal, "purpose": purpose}
    with Run.open("protect.measure", out, question=_name(question), ledger=shown(ledger), **paid_by, **asked) as run:
        payer = answering.Payer(ledger, ledger_key, witness, **paid_by)
        return answering.measure(run, question, payer, **asked)


def plan(
    question: str,
    *,
    units: float,
    out: Path = Path("runs/plan"),
    tables: Path | None = None,
    rho: str = "",
    epsilon: str = "",
    delta: str = "1e-6",
    law: Literal["gaussian", "laplace"] = "gaussian",
    shares: str = "",
    wanted: str = "",
    groups: int = 0,
    rows: int = 0,
    mean: float | None = None,
    spread: float | None = None,
    share: float = 1.0,
    clipped: float = 0.0,
    rate: float | None = None,
    power: float = 0.8,
) -> Outcome:
    """Say what a question would cost and how exact its answer would be, from public facts; spends nothing.

    No row is read: of the tables only their columns and the digests of their files.

    Args:
        question: SQL, a file of SQL (.sql), or a TOML file that asks for lift, attribution or reach
        units: expected people in a group, or in one arm of an experiment; public or guessed
        out: folder for plan.json, forecast.parquet and run.json
        tables: TOML file that declares the tables of SQL: units, bounds, ranges, keys
        rho: budget of the whole question in zCDP, an exact number such as 1/4
        epsilon: the same as an epsilon; the largest rho that stands for at most it at delta, with laplace a pure one
        delta: at which an epsilon is told; where groups have to be found, half of it is for that
        law: noise: gaussian (zCDP) or laplace (pure)
        shares: how the budget is divided, for example total=2,n=1; alike where it is not said
        wanted: half width that is needed, in place of a budget: 5 for every answer, or total=100,n=5
        groups: most groups that a unit is kept in; 0 as declared
        rows: most rows of a unit kept in a group; 0 as declared
        mean: expected mean of a value per person
        spread: expected standard deviation of a value per person
        share: of the people in a group that a count counts
        clipped: share of values beyond the bounds
        rate: expected outcome of a person without treatment, for experiments
        power: with which the smallest difference is to be found
    """
    from consentinel.protect import planning

    asked: dict[str, Any] = {
        "tables": tables, "groups": groups, "rows": rows, "rho": rho, "epsilon": epsilon, "law": law, "delta": delta,
        "shares": shares, "wanted": wanted,
    }  # fmt: skip
    guessed: dict[str, Any] = {
        "units": units, "mean": mean, "spread": spread, "share": share, "clipped": clipped, "rate": rate, "power": power
    }  # fmt: skip
    with Run.open("protect.plan", out, question=_name(question), **asked, **guessed) as run:
        return planning.plan(run, question, planning.Guess(**guessed), **asked)


def _name(question: str) -> str:
    """Return what of QUESTION stands in run.json: the name of its file; SQL may hold values."""
    return Path(question).name if question.lower().endswith((".sql", ".toml")) else "SQL"
