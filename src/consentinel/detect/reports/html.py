"""One HTML page for people: verdict, charts, findings with evidence, signals, limits; opens offline and prints."""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from consentinel.core.page import Html, Tone, h, number, page, tiles
from consentinel.core.text import one_line
from consentinel.detect.reports._differences import differences_section
from consentinel.detect.reports._html_charts import charts_section
from consentinel.detect.reports._html_findings import findings_section
from consentinel.detect.reports._html_signals import consent_section, limits_section, method_section, visits_section
from consentinel.detect.reports._result import Result, place, ranked, reviewed, spoken_instant, verdict


def write(result: Result, out: Path) -> Path:
    """Write report.html into OUT."""
    return place(out, "report.html", _page(result).encode())


def _page(result: Result) -> str:
    left, every = ranked(result.left()), ranked(result.findings)
    closed = [result.closed(finding) for finding in every.column("finding_id").to_pylist()]
    findings = pa.concat_tables([left, every.filter(pa.array(closed, pa.bool_()))])  # what is closed comes last
    name = _subject(result)
    return page(
        f"Consent report: {name}",
        _header(result, name),
        charts_section(result, left),
        findings_section(result, findings),
        differences_section(result.differences),
        consent_section(result),
        visits_section(result),
        limits_section(result),
        h("footer", method_section(result), _made(result)),
    )


def _subject(result: Result) -> str:
    names = sorted({s for s in result.visits.column("subject").to_pylist() if s})
    if 1 <= len(names) <= 3:
        return ", ".join(one_line(name, 60) for name in names)
    return f"{number(len(names))} sites, apps and tables" if names else "nothing captured"


def _header(result: Result, name: str) -> Html:
    facts, count = result.facts, result.outcomes()
    bad = count["potential violation"]
    captures = sorted({one_line(s, 60) for s in result.visits.column("source_name").to_pylist() if s})
    listed = ", ".join(captures[:4]) + (f" and {number(len(captures) - 4)} more" if len(captures) > 4 else "")
    when = spoken_instant(facts.started).replace(" ", "\u00a0") if facts.started else ""
    said = [
        f"{number(facts.n_files)} {'file' if facts.n_files == 1 else 'files'}" + (f": {listed}" if listed else ""),
        f"{number(facts.n_typed)} of {number(facts.n_data)} values recognised as personal or device data",
        f"policy {one_line(facts.policy_name, 60)} {one_line(facts.policy_region, 20)}".rstrip(),
        when,
    ]
    tone = "danger" if bad else "muted" if count["no signal"] or not count else "ok"
    figures: list[tuple[str, str, Tone | None]] = [
        (number(bad), "potential violations", "danger" if bad else "ok"),
        (number(count["no signal"]), "no signal (undecided)", "caution" if count["no signal"] else None),
        (number(count["allowed"]), "allowed flows", "ok"),
        (number(facts.n_recipients), "recipients", "info"),
        (number(facts.n_requests), "requests", None),
        (number(facts.n_visits), "visits", None),
    ]
    return h(
        "header",
        h("p", "Consentinel · consent report", class_="kicker"),
        h("h1", h("bdi", name)),
        h("p", verdict(result), class_=f"verdict {tone}"),
        h("p", " · ".join(s for s in said if s), class_="meta"),
        _compared(result),
        _reviewed(result),
        tiles(figures),
    )


def _compared(result: Result) -> Html | None:
    if result.baseline is None:
        return None
    marks = Counter(result.mark(f) for f in result.findings.column("fingerprint").to_pylist())
    gone = len(result.baseline.gone)
    said = f"Against the baseline: {number(marks['new'])} new, {number(marks['known'])} known, {number(gone)} gone."
    return h("p", said, class_="meta")


def _reviewed(result: Result) -> Html | None:
    said = f"{reviewed(result)} The figures and charts leave out what is closed."
    return h("p", said, class_="meta") if result.reviews is not None else None


def _made(result: Result) -> Html:
    version = one_line(result.facts.version, 40)
    return h("p", f"Made by Consentinel {version} in {number(result.facts.seconds)} s.", class_="meta")
