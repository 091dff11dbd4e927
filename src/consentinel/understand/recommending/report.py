"""The page of recommendations: what to do most often, then each case with its mitigations and what they rest on."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from consentinel.core.finding_words import rule_words
from consentinel.core.page import (
    Cell,
    Column,
    Html,
    Tone,
    badge,
    bars,
    figure,
    h,
    join,
    number,
    page,
    section,
    table,
    tiles,
)
from consentinel.core.text import one_line
from consentinel.understand.recommending.cases import Case, day_of
from consentinel.understand.recommending.catalog import Catalog
from consentinel.understand.recommending.ranked import Advice, Advised, Why

__all__ = ["written"]

SHOWN = 100  # sections, each of one case or of cases that are answered alike
LISTED = 12  # cases that a section names
_PEOPLE = re.compile(r"people=10\^([\d.]+)")
TONES: dict[str, Tone] = {"accept": "ok", "reject": "danger"}


def written(
    advised: Sequence[tuple[Case, Advice]],
    notes: Sequence[str],
    known: Catalog,
    published: Mapping[str, str],
    past: int,
) -> str:
    """Return the page of what was ADVISED from the catalogue KNOWN.

    PUBLISHED says what references are called, PAST how many cases taught.
    """
    helped = [(case, advice) for case, advice in advised if advice.mitigations]
    first = Counter(advice.mitigations[0].mitigation.title for _, advice in helped)
    alike = _alike(helped)
    steps = [one for _, advice in helped for one in advice.mitigations]
    work, owners = _expected(steps, lambda one: one.mitigation.title), _expected(steps, lambda one: one.owner)
    without = len(advised) - len(helped)
    said = f"{number(len(helped))} {'case has' if len(helped) == 1 else 'cases have'} recommended mitigations"
    if first:
        said += f"; first comes most often: {first.most_common(1)[0][0].lower()}"
    if without:
        said += f"; {number(without)} have none, as neither a rule nor past cases say anything"
    head = h(
        "header",
        h("p", "Consentinel · recommend", class_="kicker"),
        h("h1", "What to do"),
        h("p", f"{said}.", class_="verdict"),
        tiles([
            (number(len(advised)), "open cases", None),
            (number(past), "past cases learned from", "info"),
            (number(len(work)), "different mitigations", None),
            (number(len(owners)), "owners", None),
        ]),
    )  # fmt: skip
    return page(
        "Recommended mitigations",
        head,
        section("What to plan for",
                h("div",
                  figure("By mitigation", bars(work[:12], caption="Cases expected by mitigation")),
                  figure("Steps by owner", bars(owners[:12], caption="Steps expected by owner")), class_="charts"),
                anchor="first", note="How many cases are expected to need it: the sum of its chances over all cases."),
        section("Cases", _all(alike), anchor="cases",
                note="Cases that a rule answers alike are one row. The chance is calibrated on past cases that the "
                     "model had not seen; of a rule it is the share expected to accept it, moved by feedback."),
        *(_case(at, cases, advice, known, published) for at, (cases, advice) in enumerate(alike[:SHOWN])),
        h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None,
          h("p", "A recommendation is what was done about cases like it, or what a rule asks for. People decide; what "
                 "they decide is taken in with --decisions.")),
    )  # fmt: skip


def _expected(steps: Sequence[Advised], of: Callable[[Advised], str]) -> list[tuple[str, float]]:
    """Return the sum of chances of STEPS by what they are OF, the largest first."""
    sums: dict[str, float] = {}
    for one in steps:
        sums[of(one)] = sums.get(of(one), 0.0) + one.p
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))


def _alike(helped: Sequence[tuple[Case, Advice]]) -> list[tuple[list[Case], Advice]]:
    """Return the cases with their advice; those that rest on no past case and are answered alike stand together."""
    found: dict[object, tuple[list[Case], Advice]] = {}
    for at, (case, advice) in enumerate(helped):
        same = (case.kind, case.classes[:1], case.subject, advice.mitigations)
        found.setdefault(at if advice.similar else same, ([], advice))[0].append(case)
    return list(found.values())


def _all(alike: Sequence[tuple[list[Case], Advice]]) -> Html:
    head = [Column("case", wide=True), Column("cases", numeric=True), Column("kind", choose=True),
            Column("subject", choose=True), Column("first step"), Column("chance", numeric=True),
            Column("owner", choose=True)]  # fmt: skip
    rows = []
    for at, (cases, advice) in enumerate(alike):
        case, best = cases[0], advice.mitigations[0]
        name: Html | str = _named(*cases)
        if at < SHOWN:
            name = h("a", name, href=f"#case-{at}")
        rows.append((Cell(name, _named(*cases)), Cell(number(len(cases)), len(cases)), case.kind,
                     one_line(case.subject, 40), best.mitigation.title, Cell(f"{best.p:.2f}", best.p),
                     best.owner))  # fmt: skip
    return table(head, rows, caption="Each case with its first step")


def _case(at: int, cases: list[Case], advice: Advice, known: Catalog, published: Mapping[str, str]) -> Html:
    head = [
        Column("step", wide=True),
        Column("chance", numeric=True),
        Column("owner"),
        Column("reviewer"),
        Column("why"),
    ]
    rows = [_step(one, published) for one in advice.mitigations]
    near = (
        h("ul", *(_past(past, similar, known) for past, similar in advice.similar), class_="plain")
        if advice.similar
        else None
    )
    return section(
        _named(*cases),
        _listed(cases),
        table(head, rows, caption="Mitigations, the best first", search=False),
        h("h3", "Similar past cases and what was done") if near else None,
        near,
        anchor=f"case-{at}",
    )


def _step(one: Advised, published: Mapping[str, str]) -> Sequence[Cell | str]:
    what = one.mitigation
    references = [h("span", ref, title=published.get(ref)) for ref in what.references]
    said = join(h("strong", what.title), h("br"), what.does, h("br"), *_parted(references))
    if one.decision:
        said = join(said, " ", badge({"accept": "accepted", "reject": "rejected"}[one.decision], TONES[one.decision]))
    why = h("ul", *(h("li", _reason(reason)) for reason in one.why if reason.kind != "catalog"), class_="plain")
    return (
        Cell(said, what.title),
        Cell(f"{one.p:.2f}", one.p),
        f"{one.owner} ({one.owner_from})",
        what.reviewer,
        Cell(why),
    )


def _reason(why: Why) -> Html:
    match why.kind:
        case "words":
            return join("words: ", h("q", one_line(_PEOPLE.sub(_many, why.cites), 120)), f" {why.says}")
        case "share":
            return join(f"{float(why.cites):.0%} {why.says}")
        case _:
            return join(f"{why.kind} ", h("code", one_line(why.cites, 60)), f": {why.says}")


def _many(field: re.Match[str]) -> str:
    """Return a field of people, which are counted in half powers of ten, in words."""
    low = float(field[1])
    return f"{10**low:,.0f} to {10 ** (low + 0.5):,.0f} people"


def _past(past: Case, similar: float, known: Catalog) -> Html:
    about = f"{similar:.2f}{', ' + day_of(past) if day_of(past) else ''}"
    did = "; ".join(known.mitigations[name].title if name in known.mitigations else name for name in past.done)
    return h("li", h("code", past.incident_id), f" {_named(past)} ({about}): {did}")


def _listed(cases: list[Case]) -> Html | None:
    """Return what one case says, or what several are called."""
    if len(cases) == 1:
        return h("p", one_line(cases[0].text, 400)) if cases[0].text else None
    names = Counter(_named(case) for case in cases).most_common()
    said = [h("li", name if n == 1 else f"{name} ({number(n)} times)") for name, n in names[:LISTED]]
    if len(names) > LISTED:
        said.append(h("li", f"and {number(len(names) - LISTED)} more"))
    return h("ul", *said, class_="plain")


def _named(case: Case, *others: Case) -> str:
    """Return what CASE is called, or it and OTHERS that are answered alike."""
    if others:
        about = f" at {case.subject}" if case.subject else ""
        return one_line(f"{rule_words(case.classes[0]) if case.classes else case.kind}{about}", 90)
    about = ", ".join(one for one in (*case.classes[:1], case.subject) if one)
    return one_line(case.title or case.text or about or case.incident_id, 90)


def _parted(parts: Sequence[Html]) -> list[Html | str]:
    return [piece for part in parts for piece in (part, " · ")][:-1]
