"""What the verb recommend does: read cases, take in feedback, learn from what was done, rank, keep tables and page."""

import csv
from collections.abc import Sequence
from pathlib import Path

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.core.text import cell
from consentinel.understand.recommending.cases import JUDGED, Case, cases
from consentinel.understand.recommending.catalog import Catalog, opened, titles
from consentinel.understand.recommending.feedback import Decision, append, feedback_at, read_decisions, recall
from consentinel.understand.recommending.kept import tables
from consentinel.understand.recommending.ranked import Advice, advice
from consentinel.understand.recommending.report import written

__all__ = ["recommend"]


def recommend(
    run: Run, inputs: Sequence[Path], *, history: Sequence[Path], catalog: Path | None, references: Path | None,
    feedback: str, decisions: Path | None, reviewer: str, top: int,
) -> Outcome:  # fmt: skip
    """Recommend for the cases in INPUTS; arguments are those of the verb, which see."""
    if top < 1:
        raise UsageError(f"top is at least 1, got {top}")
    if decisions is not None and not feedback:
        raise UsageError("--decisions needs --feedback, the file where they are remembered")
    known = opened(run, catalog)
    published = titles(run, references) if references is not None else {}
    _unknown_references(run, known, published)
    given = cases(run, inputs, known.rules)
    earlier = cases(run, history, known.rules)
    past = [one for one in {c.incident_id: c for c in (*earlier, *given)}.values() if one.done]
    ids = {one.incident_id for one in past}
    open_ = [one for one in given if one.incident_id not in ids]
    if not open_:
        raise UsageError(
            "no case is open: every one of them says what was done. Give open ones, and these as --history"
        )
    if len(open_) < len(given):
        run.note(
            f"{len(given) - len(open_):,} of {len(given):,} cases say what was done: they teach, and get no advice"
        )
    said = _feedback(run, feedback, decisions, reviewer, known)
    if not past and any(one.kind not in JUDGED for one in open_):
        run.note("no past case says what was done, so only findings and audits get recommendations, by rules")
    found, model = advice(open_, past, known, said, top=top)
    if model is not None and not model.calibrated:
        run.note("there are fewer than 200 past cases: probabilities of past cases are not calibrated")
    advised = list(zip(open_, found, strict=True))
    kept = {name: run.keep(name, made) for name, made in tables(advised).items()}
    with atomic(run.out / "recommendations.html") as beside:
        beside.write_text(written(advised, run.notes, known, published, len(past)), "utf-8")
    kept["page"] = run.kept(run.out / "recommendations.html")
    with atomic(run.out / "feedback.csv") as beside:
        _form(beside, advised)
    kept["feedback"] = run.kept(run.out / "feedback.csv")
    helped = sum(bool(one.mitigations) for one in found)
    run.assume(past_cases=len(past), decisions=len(said), mitigations=len(known.mitigations))
    text = (
        f"{helped:,} of {len(open_):,} cases that do not say what was done have recommended mitigations, learned from "
        f"{len(past):,} past cases "
    )
    return Outcome(run, 0 if helped else 3, kept, f"{text}and {len(said):,} decisions")


def _unknown_references(run: Run, known: Catalog, published: dict[str, str]) -> None:
    """Tell which references of the catalogue the published ones do not have, scheme by scheme that is there."""
    there = {one.rpartition(" ")[0] for one in published}
    wanted = {ref for one in known.mitigations.values() for ref in one.references if ref.rpartition(" ")[0] in there}
    if missing := sorted(wanted - published.keys()):
        run.note(f"the published catalogues do not have: {', '.join(missing[:10])}")


def _feedback(run: Run, where: str, path: Path | None, reviewer: str, known: Catalog) -> list[Decision]:
    """Return what the feedback at WHERE remembers, after taking in the decisions in PATH."""
    if not where:
        return []
    new = read_decisions(run.read(path), known.mitigations, reviewer) if path is not None else []
    with feedback_at(where) as state:
        if path is not None:
            run.note(f"{append(state, new)} of {len(new)} decisions were new")
        return recall(state)


def _form(path: Path, advised: Sequence[tuple[Case, Advice]]) -> None:
    """Write the recommendations as a CSV form for decisions."""
    with path.open("w", encoding="utf-8", newline="") as file:
        form = csv.writer(file)
        form.writerow(["incident_id", "mitigation", "decision", "reviewer", "reason", "rule", "name", "p", "case"])
        for case, found in advised:
            for one in found.mitigations:
                form.writerow([cell(case.incident_id), one.mitigation.name, "", "", "", one.rule, one.mitigation.title,
                               f"{one.p:.3f}", cell(case.title[:80])])  # fmt: skip
