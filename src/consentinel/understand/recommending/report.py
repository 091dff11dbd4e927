"""The page of recommendations: what to do most often, then each case with its mitigations and what they rest on."""

from collections import Counter
from collections.abc import Mapping, Sequence

from consentinel.core.page import Cell, Column, Html, Tone, badge, bars, h, join, number, page, section, table, tiles
from consentinel.core.text import one_line
from consentinel.understand.recommending.cases import Case, day_of
from consentinel.understand.recommending.ranked import Advice, Advised, Why

__all__ = ["written"]

SHOWN = 200  # cases with a section of their own
TONES: dict[str, Tone] = {"accept": "ok", "reject": "danger"}


def written(
    advised: Sequence[tuple[Case, Advice]], notes: Sequence[str], published: Mapping[str, str], past: int
) -> str:
    """Return the page of what was ADVISED; PUBLISHED says what references are called, PAST how many cases taught."""
    helped = [(case, advice) for case, advice in advised if advice.mitigations]
    first = Counter(advice.mitigations[0].mitigation.title for _, advice in helped)
    every = Counter(one.mitigation.title for _, advice in helped for one in advice.mitigations)
    owners = Counter(advice.mitigations[0].owner for _, advice in helped)
    without = len(advised) - len(helped)
    head = h(
        "header",
        h("p", "Consentinel · recommend", class_="kicker"),
        h("h1", "What to do"),
        h("p", f"{number(len(helped))} cases have recommended mitigations"
               + (f"; {number(without)} have none, as neither a rule nor past cases say anything." if without else "."),
          class_="verdict"),
        tiles([
            (number(len(advised)), "cases without a known answer", None),
            (number(past), "past cases learned from", "info"),
            (number(len(every)), "different mitigations", None),
            (number(len(owners)), "owners of the first step", None),
        ]),
    )  # fmt: skip
    return page(
        "Recommended mitigations",
        head,
        section("First steps", bars(first.most_common(12), caption="Cases by what is recommended first"),
                bars(owners.most_common(12), caption="Cases by who owns the first step"), anchor="first"),
        section("Cases", _all(helped), anchor="cases",
                note="The probability is calibrated on past cases that the model had not seen; of a rule it is the "
                     "share expected to accept it, moved by feedback."),
        *(_case(at, case, advice, published) for at, (case, advice) in enumerate(helped[:SHOWN])),
        h("footer", h("ul", *(h("li", note) for note in notes), class_="plain") if notes else None,
          h("p", "A recommendation is what was done about cases like it, or what a rule asks for. People decide; what "
                 "they decide is taken in with --decisions.")),
    )  # fmt: skip


def _all(helped: Sequence[tuple[Case, Advice]]) -> Html:
    head = [Column("case", wide=True), Column("kind", choose=True), Column("subject", choose=True),
            Column("first step"), Column("p", numeric=True), Column("owner", choose=True)]  # fmt: skip
    rows = []
    for at, (case, advice) in enumerate(helped):
        best = advice.mitigations[0]
        name: Html | str = _named(case)
        if at < SHOWN:
            name = h("a", name, href=f"#case-{at}")
        rows.append((Cell(name, _named(case)), case.kind, one_line(case.subject, 40), best.mitigation.title,
                     Cell(f"{best.p:.2f}", best.p), best.owner))  # fmt: skip
    return table(head, rows, caption="Each case with its first step")


def _case(at: int, case: Case, advice: Advice, published: Mapping[str, str]) -> Html:
    head = [Column("step", wide=True), Column("p", numeric=True), Column("owner"), Column("reviewer"), Column("why")]
    rows = [_step(one, published) for one in advice.mitigations]
    near = h("ul", *(_past(past, similar) for past, similar in advice.similar)) if advice.similar else None
    return section(
        _named(case),
        h("p", one_line(case.text, 400)) if case.text else None,
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
            return join("words: ", h("q", one_line(why.cites, 120)), f" {why.says}")
        case "share":
            return join(f"share {why.cites} {why.says}")
        case _:
            return join(f"{why.kind} ", h("code", one_line(why.cites, 60)), f": {why.says}")


def _past(past: Case, similar: float) -> Html:
    about = f"{similar:.2f}{', ' + day_of(past) if day_of(past) else ''}"
    return h("li", h("code", past.incident_id), f" {_named(past)} ({about}): {', '.join(past.done)}")


def _named(case: Case) -> str:
    return one_line(case.title or case.text or case.incident_id, 90)


def _parted(parts: Sequence[Html]) -> list[Html | str]:
    return [piece for part in parts for piece in (part, " · ")][:-1]
