"""What `assure audit` does: the subject, every probe that fits it, the table and the reports; stopped work is kept."""

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from consentinel.assure import gating, mitigating, per_unit
from consentinel.assure.auditing import PILLARS, Left, fitting, found
from consentinel.assure.given import Wish
from consentinel.assure.kept_probes import KeptProbes, asked_for
from consentinel.assure.masked_examples import Example, examples
from consentinel.assure.measure import Found, Plan, table
from consentinel.assure.reading import subject_of
from consentinel.assure.results import Facts, Result
from consentinel.assure.shelves import INTAKE, REPORTS
from consentinel.assure.subject import Subject
from consentinel.assure.summary import told
from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run
from consentinel.core.stats import tail
from consentinel.core.tables import AUDITS

__all__ = ["audit"]

STOPPED = 130
REPORTS_OF_AUDIT = "html,json,card"
MITIGATED = "mitigated"  # stands for a pillar among what is to be done


def audit(
    run: Run, model: str, data: Path, wish: Wish, plan: Plan, *, probes: str, policy: Path | None, fresh: bool,
    mitigate: str = "", attribute: str = "",
) -> Outcome:  # fmt: skip
    """Audit MODEL on DATA and keep audits.parquet with its reports; with POLICY the exit code is that of the gate.

    With MITIGATE gap and utility over ATTRIBUTE stand among its measures, as they are and with that part applied.

    Raises UsageError, BadInput; ContractBroken where the model answers nothing at all.
    """
    tail(plan.level)
    if plan.draws < 100 or plan.shadows < 0:
        raise UsageError(f"draws are at least 100 and shadows at least 0; got {plan.draws} and {plan.shadows}")
    rules = None if policy is None else gating.read(run.read(policy))
    _known(probes)
    subject, way = subject_of(run, model, data, wish)
    fit, left = fitting(subject, probes)
    if mitigate:
        fit.append((MITIGATED, f"{mitigate} {mitigating.of(subject, mitigate, attribute)}"))
    run.assume(way=way, probes=[f"{pillar}/{name}" for pillar, name in fit], level=plan.level)
    beside = KeptProbes(run.out, asked_for(run.digests(), _plain(wish), _plain(plan), model))
    done: list[Found] = []
    shown: list[Example] = []
    reached = 0
    try:
        for pillar, name in run.each(fit, "measuring"):
            done += _measured(subject, plan, pillar, name, beside, fresh)
            shown += examples(subject, plan, name) if pillar == "explain" else []
            reached += 1
    except KeyboardInterrupt:
        run.interrupted = True
    result = replace(_result(run, subject, way, plan, done, left, len(fit) - reached), examples=tuple(shown))
    code = 0
    if rules is not None:
        judged = gating.judged(result, rules)
        result, code = gating.marked(result, judged, rules), gating.exit_code(judged)
    files = {"audits": run.keep("audits", pa.Table.from_pylist(list(result.rows), AUDITS))}
    values = per_unit.values(subject)
    if values is not None:
        files["per_unit"] = run.keep("per_unit", values)
    if rules is not None:
        files |= gating.written(run, result)
    for name in REPORTS_OF_AUDIT.split(","):
        files[name] = run.kept(REPORTS.take(name).write(result, run.out))
    for note in result.notes:
        run.note(note)
    return Outcome(run, STOPPED if run.interrupted else code, files, told(result))


def _known(probes: str) -> None:
    """Raise UsageError for a word of PROBES that names nothing."""
    there = {"all", *PILLARS} | {f"{pillar}/{name}" for pillar, shelf in PILLARS.items() for name in shelf.names()}
    words = [word.strip() for word in probes.split(",") if word.strip()]
    for word in words or [""]:
        if word not in there:
            raise UsageError(f"probes: no '{word[:60]}'; there is: {', '.join(sorted(there))}")


def _measured(subject: Subject, plan: Plan, pillar: str, name: str, beside: KeptProbes, fresh: bool) -> list[Found]:
    if pillar == MITIGATED:
        return _mitigated(subject, plan, name, beside, fresh)
    before = None if fresh else beside.load(pillar, name)
    if before is not None:
        return before
    shadows = beside.shadows(pillar, name, fresh=fresh)
    made = list(found(replace(subject, shadows=shadows), plan, pillar, name))
    beside.keep(pillar, name, made)
    shadows.forget()
    return made


def _mitigated(subject: Subject, plan: Plan, asked: str, beside: KeptProbes, fresh: bool) -> list[Found]:
    name = re.sub(r"\W", ".", asked)
    before = None if fresh else beside.load(MITIGATED, name)
    made = mitigating.tried(subject, *asked.split(" ", 1), plan) if before is None else before
    if before is None:
        beside.keep(MITIGATED, name, made)
    return [replace(one, pillar=mitigating.PILLAR, probe=mitigating.probe(asked)) for one in made]


def _result(
    run: Run, subject: Subject, way: str, plan: Plan, done: list[Found], left: list[Left], unreached: int
) -> Result:
    from consentinel import __version__

    facts = Facts(
        model=subject.name, kind=subject.kind, way=way, allows=INTAKE.take(way).ALLOWS,
        data=str(run.asked["data"].name), data_sha256=run.digests().get(run.asked["data"].name, ""),
        rows=subject.rows.num_rows, units=subject.groups.num_rows, attributes=tuple(subject.attributes()),
        positive=subject.positive, k=subject.k, level=plan.level, draws=plan.draws, seed=plan.seed,
        claimed=subject.claimed, version=__version__, started=run.started, seconds=time.time() - run.started,
        stopped=unreached,
    )  # fmt: skip
    notes = list(subject.notes)
    if unreached:
        notes.append(f"stopped before {unreached} probes were done; ask for the same audit again and it goes on")
    once = list(dict.fromkeys(done))  # a probe says of everybody the same beside each attribute
    return Result.of(run.stamp(table(once, plan.level)), facts=facts, left=tuple(left), notes=tuple(notes))


def _plain(asked: Any) -> dict[str, str]:
    return {name: str(value) for name, value in vars(asked).items()}
