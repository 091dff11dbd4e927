"""Verbs of assure: audit a model, gate and compare audits, write a model card, sweep settings for a trade-off."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run

__all__ = ["audit", "card", "compare", "gate", "sweep"]


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
    mitigate: str = "",
    attribute: str = "",
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
        mitigate: part that narrows a gap, with what it should reach after a colon, for example
            thresholds:equalized_odds, reweigh or rerank; gap and utility are then measured with it too
        attribute: attribute whose gap is narrowed; the first of --groups where none is named
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
    more = {"mitigate": mitigate, "attribute": attribute}
    asked = (
        wish
        | more
        | {
            "probes": probes,
            "policy": policy,
            "level": level,
            "draws": draws,
            "shadows": shadows,
            "rows": rows,
        }
    )
    with Run.open("assure.audit", out, model=_name(model), data=data, kind=kind, **asked) as run:
        return measuring.audit(
            run, model, data, Wish(kind, **wish), plan, probes=probes, policy=policy, fresh=fresh, **more
        )


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
        out: folder for the judged table, audit.json, JUnit, SARIF and run.json
    """
    from consentinel.assure import gating_verb

    with Run.open("assure.gate", out, audit=audit, policy=policy) as run:
        return gating_verb.gate(run, audit, policy)


def sweep(
    part: str,
    data: Path,
    *,
    kind: Literal["recsys", "ranking", "vision", "text", "graph", "tabular"],
    learned: Path,
    knobs: str,
    out: Path = Path("runs/sweep"),
    groups: str = "",
    attribute: str = "",
    people: Path | None = None,
    label: str = "label",
    person: str = "",
    positive: str = "",
    columns: str = "",
    axes: str = "",
    seeds: int = 3,
    delta: str = "1e-6",
    level: float = 0.95,
    draws: int = 500,
    seed: int = 0,
    shadows: int = 0,
    rows: int = 500,
    k: int = 10,
    fresh: bool = False,
) -> Outcome:
    """Train parts at many settings and show what utility, fairness, privacy and robustness cost one another.

    Every setting is trained with every seed and audited on four axes; the front of those that nothing beats is drawn
    with its uncertainty, and one setting is recommended with reasons. Stopped with Ctrl-C it keeps finished trainings,
    and the same command goes on from there. It is not private itself: private parts are paid from a ledger that is
    thrown away, so give rows that are public, past or simulated.

    Args:
        part: part to train as shelf/name with settings of its own after a colon, or several separated by spaces, or
            code of yours as module:name with train(rows, seed=)
        data: rows to measure on, with what is true of them
        kind: of model
        learned: rows to learn from
        knobs: values to try, for example "reg=50,200,800 epsilon=1,4 fairness=0,0.5,1 noise=0,0.2"; settings of the
            parts, and for every part fairness (weight against the gap) and noise (learned from beside the rows)
        out: folder for the table, the page and run.json
        groups: attributes of people; the gap is over the first
        attribute: attribute whose gap counts, a column of the data or of --people
        people: table of people and their attributes, one row each
        label: column of the data that is true
        person: column of the data that says whose a row is; intervals then draw whole people
        positive: label that counts as yes
        columns: column map of all files, ours=theirs
        axes: other measures for axes as name=pillar/probe:metric:slice, separated by spaces; names are utility, gap,
            privacy and robustness
        seeds: trainings of each setting, each with another seed
        delta: of private parts that are not told theirs
        level: of the intervals
        draws: from the estimates, for the chances of the front
        seed: number that trainings, draws and attacks follow
        shadows: shadow models for each training, 4 at least; with fewer the privacy axis is an attack without them
        rows: rows at most that are attacked
        k: cut-off rank of rankings
        fresh: train again what was finished before
    """
    from consentinel.assure import sweeping
    from consentinel.assure.given import Wish
    from consentinel.assure.measure import Plan

    wish: dict[str, Any] = {
        "groups": groups, "people": people, "learned": learned, "label": label, "person": person,
        "positive": positive, "columns": columns, "k": k, "seed": seed,
    }  # fmt: skip
    plan = Plan(level=level, draws=draws, seed=seed, k=k, shadows=shadows, rows=rows)
    more: dict[str, Any] = {"knobs": knobs, "attribute": attribute, "seeds": seeds, "delta": delta}
    asked = wish | more | {"axes": axes, "level": level, "draws": draws, "shadows": shadows, "rows": rows}
    with Run.open("assure.sweep", out, part=part, data=data, kind=kind, **asked) as run:
        return sweeping.sweep(run, part, data, Wish(kind, **wish), plan, asked=axes, fresh=fresh, **more)


def _name(model: str) -> str:
    """Return what of MODEL stands in run.json: the part or the code by its name, or the base name of the file."""
    return Path(model).name if Path(model).suffix and ":" not in model else model
