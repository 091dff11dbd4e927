"""Verbs of assure: audit a model, hold the audit against a policy, compare two audits, write a model card."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run

__all__ = ["audit", "card", "compare", "gate"]


def audit(
    model: str,
    data: Path,
    *,
    kind: Literal["recsys", "ranking", "vision", "text", "graph", "tabular"],
    out: Path = Path("runs/audit_model"),
    groups: str = "",
    people: Path | None = None,
    items: Path | None = None,
    learned: Path | None = None,
    trainer: str = "",
    label: str = "label",
    person: str = "",
    positive: str = "",
    columns: str = "",
    probes: str = "all",
    policy: Path | None = None,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
    shadows: int = 64,
    rows: int = 500,
    k: int = 10,
    claimed_epsilon: float | None = None,
    claimed_delta: float = 0.0,
    fresh: bool = False,
) -> Outcome:
    """Measure how fair, explainable, robust and private a model is, each number with an interval.

    Writes a table, one HTML page, JSON and a model card. What the way that the model came in does not allow is listed
    with what it needs. Stopped with Ctrl-C it keeps finished probes, and the same command goes on from there. With a
    policy it ends like `gate`.

    Args:
        model: predictions (.parquet, .csv), a model file (.safetensors, .onnx), a part to train (recommend/ease:reg=200
            with --learned), or code of yours as module:name, which runs
        data: rows to measure on, with what is true of them (.parquet, .csv, .inter, ...)
        kind: of model
        out: folder for the audit, its reports and run.json
        groups: attributes of people, columns of the data or of --people, separated by commas
        people: table of people and their attributes, one row each
        items: table of items and their attributes
        learned: rows that the model learned from
        trainer: way to train it anew: a part such as recommend/ease:reg=200, or module:name with train(rows, seed=)
        label: column of the data that is true
        person: column of the data that says whose a row is; intervals then draw whole people
        positive: label that counts as yes
        columns: column map of all files, ours=theirs, for example user=session_id,item=track
        probes: all, or pillars (fair, explain, robust, private) and pillar/probe, separated by commas
        policy: TOML file of bounds; the exit code then says pass (0), fail (1) or insufficient evidence (3)
        level: of the intervals
        draws: of a bootstrap
        seed: number that draws, attacks and trainings follow
        shadows: shadow models at most
        rows: rows at most that are attacked or explained
        k: cut-off rank of rankings
        claimed_epsilon: epsilon that is claimed for the model
        claimed_delta: delta of that claim
        fresh: measure again what was finished before
    """
    from consentinel.assure import measuring
    from consentinel.assure.given import Wish
    from consentinel.assure.measure import Plan

    wish: dict[str, Any] = {
        "groups": groups, "people": people, "items": items, "learned": learned, "trainer": trainer, "label": label,
        "person": person, "positive": positive, "columns": columns, "k": k, "seed": seed,
        "claimed_epsilon": claimed_epsilon, "claimed_delta": claimed_delta,
    }  # fmt: skip
    plan = Plan(level=level, draws=draws, seed=seed, k=k, shadows=shadows, rows=rows)
    asked = wish | {
        "probes": probes,
        "policy": policy,
        "level": level,
        "draws": draws,
        "shadows": shadows,
        "rows": rows,
    }
    with Run.open("assure.audit", out, model=_name(model), data=data, kind=kind, **asked) as run:
        return measuring.audit(run, model, data, Wish(kind, **wish), plan, probes=probes, policy=policy, fresh=fresh)


def card(
    audit: Path,
    *,
    out: Path = Path("runs/card"),
    name: str = "",
    license: str = "",
    language: str = "",
    dataset: str = "",
) -> Outcome:
    """Write a Hugging Face model card from an audit: a README with a model index, every number with its interval.

    Args:
        audit: folder of an audit, or its audit.json
        out: folder for README.md and run.json
        name: of the model; that of the audited file where none is given
        license: of the model, for example apache-2.0
        language: of its texts, for example en
        dataset: name of the data that it was measured on
    """
    from consentinel.assure import carding

    asked = {"name": name, "license": license, "language": language, "dataset": dataset}
    with Run.open("assure.card", out, audit=audit, **asked) as run:
        return carding.card(run, audit, **asked)


def compare(
    first: Path, second: Path, *, out: Path = Path("runs/compare"), level: float = 0.95, seed: int = 0
) -> Outcome:
    """Compare two audits: for each measure that both have, the difference with an interval and a test.

    Accuracy or nDCG of the same units is compared in pairs; everything else as if the two were independent, which is
    said of each row.

    Args:
        first: folder of an audit, or its audit.json or audits.parquet
        second: the same of the other audit; differences are second less first
        out: folder for the table and run.json
        level: of the intervals of differences, and one less the false discovery rate
        seed: number that the draws of paired comparisons follow
    """
    from consentinel.assure import comparing

    with Run.open("assure.compare", out, first=first, second=second, level=level, seed=seed) as run:
        return comparing.compare(run, first, second, level=level, seed=seed)


def gate(audit: Path, policy: Path, *, out: Path = Path("runs/gate")) -> Outcome:
    """Hold an audit against a policy: pass (0), fail (1) or insufficient evidence (3), on interval bounds.

    Args:
        audit: folder of an audit, or its audit.json or audits.parquet
        policy: TOML file of bounds
        out: folder for the judged table, JUnit, SARIF and run.json
    """
    from consentinel.assure import gating_verb

    with Run.open("assure.gate", out, audit=audit, policy=policy) as run:
        return gating_verb.gate(run, audit, policy)


def _name(model: str) -> str:
    """Return what of MODEL stands in run.json: the part or the code by its name, or the base name of the file."""
    return Path(model).name if Path(model).suffix and ":" not in model else model
