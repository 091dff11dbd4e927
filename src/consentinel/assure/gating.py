"""A gate: the bounds of a policy against the intervals of an audit, ending in pass, fail or insufficient evidence.

A measure fails where its whole interval lies beyond the bound, and passes where all of it keeps the bound; else the
evidence is insufficient. Where a policy looks at many measures, some would fail by chance: with adjust = "holm" a
failure also has to stand after Holm's correction over all that the policy looks at, so that the chance of any false
failure is at most 1 - level. Passing is not corrected: each pass says of its own measure what its interval says.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from statistics import NormalDist
from typing import Literal

import numpy as np

from consentinel.assure.policy_file import Policy, Rule, read
from consentinel.assure.results import Result, Row, whom
from consentinel.core.errors import UsageError
from consentinel.core.run import Run, atomic
from consentinel.core.sarif import Claim, junit, sarif
from consentinel.core.sarif import Rule as Listed
from consentinel.core.stats import holm

__all__ = ["Judged", "claims", "exit_code", "judged", "marked", "read", "told", "written"]

Verdict = Literal["pass", "fail", "insufficient evidence"]
_WORSE: tuple[Verdict, ...] = ("pass", "insufficient evidence", "fail")


@dataclass(frozen=True)
class Judged:
    """What a rule says of one measure (its place among the rows; None: no measure fits the rule)."""

    rule: Rule
    at: int | None
    verdict: Verdict
    p: float | None
    why: str


def judged(result: Result, policy: Policy) -> list[Judged]:
    """Return a judgement for each rule of POLICY and each measure of RESULT that it is about; raises UsageError."""
    levels = Counter(row["level"] for row in result.rows if row["level"] is not None)
    usual = levels.most_common(1)[0][0] if levels else None  # what was counted and not estimated has level 1
    if policy.level is not None and usual is not None and usual != policy.level:
        raise UsageError(f"the policy asks for intervals at {policy.level}; the audit has {usual}: audit it again")
    found: list[Judged] = []
    for rule in policy.rules:
        mine = [at for at, row in enumerate(result.rows) if _about(rule, row)]
        found += [_first(rule, at, result.rows[at]) for at in mine]
        if not mine:
            verdict: Verdict = "insufficient evidence" if rule.required else "pass"
            said = "nothing in the audit fits this rule" + ("" if rule.required else ", which asks for none")
            found.append(Judged(rule, None, verdict, None, said))
    return found if policy.adjust == "none" else _corrected(found, result)


def _about(rule: Rule, row: Row) -> bool:
    names = ("metric", "pillar", "probe", "slice", "against")
    return all(fnmatchcase(str(row[name] or ""), getattr(rule, name)) for name in names)


def _first(rule: Rule, at: int, row: Row) -> Judged:
    value, low, high = row["value"], row["low"], row["high"]
    if value is None or low is None or high is None or any(math.isnan(end) for end in (low, high)):
        verdict: Verdict = "insufficient evidence" if rule.required else "pass"
        return Judged(rule, at, verdict, None, f"not measured: {row['why'] or 'no reason was given'}")
    floor, top = _ends(rule, row)
    if floor <= low and high <= top:
        return Judged(rule, at, "pass", None, "the whole interval keeps the bound")
    if low > top or high < floor:
        return Judged(
            rule, at, "fail", _p(row, top if low > top else floor), "the whole interval lies beyond the bound"
        )
    return Judged(
        rule, at, "insufficient evidence", None, "the interval reaches over the bound: more data would decide"
    )


def _ends(rule: Rule, row: Row) -> tuple[float, float]:
    """Return between which numbers RULE wants the interval of ROW."""
    if rule.bound == "at_most":
        return -math.inf, rule.limit
    if rule.bound == "at_least":
        return rule.limit, math.inf
    null = row["null"] or 0.0
    if rule.limit == 0:
        return null, null
    return null - rule.limit, null + rule.limit


def _p(row: Row, bound: float) -> float:
    """Return the two-sided p-value of the truth being at BOUND: the test's own there, else from the interval's width.

    The interval excludes BOUND, so p is below 1 - level whatever the shape of the interval is.
    """
    if row["p"] is not None and row["null"] is not None and bound == row["null"]:
        return float(row["p"])
    if row["level"] >= 1:  # counted, not estimated
        return 0.0
    near = row["low"] if bound < row["low"] else row["high"]
    z = NormalDist().inv_cdf((1 + row["level"]) / 2)
    off, half = abs(row["value"] - bound), abs(row["value"] - near)
    return 0.0 if half == 0 else min(1 - row["level"], 2 * (1 - NormalDist().cdf(z * off / half)))


def _corrected(found: Sequence[Judged], result: Result) -> list[Judged]:
    measured = [one for one in found if one.at is not None and result.rows[one.at]["value"] is not None]
    p = np.array([1.0 if one.p is None else one.p for one in measured])
    after = dict(zip(map(id, measured), holm(p).tolist() if len(p) else [], strict=True))
    made = []
    for one in found:
        if one.verdict == "fail" and one.at is not None:
            level = float(result.rows[one.at]["level"])
            adjusted = after[id(one)]
            if adjusted > 1 - level + 1e-12:
                said = f"beyond the bound, but among {len(measured)} measures that were looked at one may be by chance"
                one = replace(one, verdict="insufficient evidence", p=adjusted, why=said)
            else:
                one = replace(one, p=adjusted)
        made.append(one)
    return made


def exit_code(found: Sequence[Judged]) -> int:
    """Return 1 where anything fails, else 3 where evidence is insufficient, else 0."""
    verdicts = {one.verdict for one in found}
    return 1 if "fail" in verdicts else 3 if "insufficient evidence" in verdicts else 0


def marked(result: Result, found: Sequence[Judged], policy: Policy) -> Result:
    """Return RESULT with the verdict of the gate on each measure that was looked at, and the judgements beside."""
    rows = [dict(row) for row in result.rows]
    worst: dict[int, Verdict] = {}
    for one in found:
        if one.at is not None:
            worst[one.at] = max(worst.get(one.at, "pass"), one.verdict, key=_WORSE.index)
    for at, verdict in worst.items():
        rows[at]["verdict"] = verdict
    return replace(result, rows=tuple(rows), gate=tuple(_row(one, result) for one in found), policy=policy.name)


def _row(one: Judged, result: Result) -> Row:
    row = {} if one.at is None else result.rows[one.at]
    about = {
        name: row.get(name) for name in ("pillar", "probe", "metric", "slice", "against", "value", "low", "high", "n")
    }
    made = about | {"rule": one.rule.name, "bound": one.rule.told(), "severity": one.rule.severity, "p": one.p}
    return made | {"metric": about["metric"] or one.rule.metric, "verdict": one.verdict, "why": one.why,
                   "reason": one.rule.why}  # fmt: skip


def claims(result: Result) -> tuple[list[Claim], list[Listed]]:
    """Return the judgements of the gate of RESULT as other tools see them, and their rules."""
    rules: dict[str, Listed] = {}
    made = []
    for row in result.gate:
        name = str(row["rule"])
        rules.setdefault(name, Listed(name, f"{row['metric']} {row['bound']}", str(row["reason"] or "")))
        names = [str(row[key]) for key in ("probe", "metric", "slice", "against") if row[key]]
        mark = sha256("\n".join([name, result.facts.model, *names]).encode()).hexdigest()[:32]
        kinds: dict[str, Literal["fail", "open", "pass"]] = {"fail": "fail", "pass": "pass"}
        said = "" if row["value"] is None else f" is {row['value']:.4g} [{row['low']:.4g}, {row['high']:.4g}]"
        about = f" ({whom(row)})" if whom(row) else ""
        message = f"{row['metric']}{about}{said}; wanted {row['bound']}: {row['why']}"
        place = tuple((word, "member") for word in names)
        made.append(Claim(name, message, mark, kinds.get(str(row["verdict"]), "open"), str(row["severity"]),
                          uri=result.facts.model or "model", places=place))  # fmt: skip
    return made, list(rules.values())


def written(run: Run, result: Result) -> dict[str, Path]:
    """Keep the gate of RESULT as gate.sarif and gate.junit.xml for build servers and dashboards."""
    made, rules = claims(result)
    log = sarif([one for one in made if one.kind != "pass"], tool="consentinel", version=result.facts.version,
                rules=rules, notes=result.notes)  # fmt: skip
    files = {
        "gate.sarif": json.dumps(log, ensure_ascii=False, indent=1, allow_nan=False).encode(),
        "gate.junit.xml": junit(made, suite="consentinel.assure", rules=rules),
    }
    for name, data in files.items():
        with atomic(run.out / name) as beside:
            beside.write_bytes(data)
    return {name.rpartition(".")[0] or name: run.kept(run.out / name) for name in files}


def told(result: Result) -> str:
    """Return the judgements of the gate of RESULT, what fails first."""
    order = {"fail": 0, "insufficient evidence": 1, "pass": 2}
    count = {word: sum(row["verdict"] == word for row in result.gate) for word in order}
    worst = next((word for word in order if count[word]), "pass")
    lines = [f"{result.policy}: {worst} ({', '.join(f'{count[word]} {word}' for word in order)})"]
    for row in sorted(result.gate, key=lambda row: order[str(row["verdict"])])[:40]:
        said = "" if row["value"] is None else f" {row['value']:.4g} [{row['low']:.4g}, {row['high']:.4g}]"
        about = f" ({whom(row)})" if whom(row) else ""
        lines.append(f"  {row['verdict']:22} {row['rule']}: {row['metric']}{about}{said}; {row['why']}")
    return "\n".join(lines)
