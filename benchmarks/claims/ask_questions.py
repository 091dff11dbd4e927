"""Fifty plain questions about incidents of HHS, made findings and made audits, with answers by plain Python: how many
the templates alone, and the templates with the local model, answer rightly, and how many wrongly."""

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import _ask_tables as made
from benchmarks._claim import keep_cases, write, write_interval
from consentinel.core.stats import wilson
from consentinel.understand.asking.live import Live, opened_tables
from consentinel.understand.asking.verb import Limits, told

NAMES = ("ask_right", "ask_wrong", "ask_local_right", "ask_local_wrong")
INPUTS = ("src/consentinel/understand/asking/*.py", "src/consentinel/understand/askers/*.py",
          "src/consentinel/understand/packaged_model.py")  # fmt: skip
TODAY = date(2022, 12, 31)
# The questions were written apart from the parser; of its first answers two were wrong, and it was mended for that.
SEEN = "two of them were seen when the parser, which had answered them wrongly, was mended"
Rows = Sequence[Sequence[Any]]


def tables() -> dict[str, pa.Table]:
    """Return the tables that are asked about."""
    with tempfile.TemporaryDirectory() as folder:
        kept = made.incidents(Path(folder))
        found = {name: pq.read_table(kept / f"{name}.parquet") for name in ("incidents", "texts")}
    return found | {"findings": made.findings(), "audits": made.audits()}


def same(expected: Any, found: Any) -> bool:
    """Whether FOUND says EXPECTED: a number as it was rounded, a share or its percentage, a period by its start or its
    label."""
    if isinstance(expected, bool) or isinstance(found, bool) or expected is None or found is None:
        return bool(expected == found)
    if isinstance(expected, int) and isinstance(found, int):
        return expected == found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        places = len(repr(expected).partition(".")[2])
        return any(
            abs(expected - found * k) <= 1e-6 * abs(expected)
            or (1 <= places <= 4 and round(found * k, places) == expected)
            for k in (1, 100)
        )
    if isinstance(found, date | datetime):
        return _period(expected, found)
    return str(expected).casefold() == str(found).casefold()


def _period(expected: Any, found: date | datetime) -> bool:
    day = found.date() if isinstance(found, datetime) else found
    if isinstance(expected, datetime):
        expected = expected.date()
    if isinstance(expected, date):
        return expected == day
    if isinstance(expected, int):  # a year, or microseconds
        return expected == day.year or (expected > 10**14 and datetime.fromtimestamp(expected / 1e6, UTC).date() == day)
    quarter = (day.month + 2) // 3
    week = day.isocalendar()
    labels = {day.isoformat(), f"{day:%Y-%m}", f"{day:%Y}", f"{day.year}-Q{quarter}", f"{day.year}Q{quarter}",
              f"Q{quarter} {day.year}", f"{day:%B %Y}", f"{week.year}-W{week.week:02d}"}  # fmt: skip
    return str(expected) in labels


def holds(row: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether the cells of ROW hold all of WANTED, each in a cell of its own."""
    free = list(row)
    for one in wanted:
        at = next((i for i, cell in enumerate(free) if same(one, cell)), None)
        if at is None:
            return False
        free.pop(at)
    return True


def right(rows: Rows, acceptable: Iterable[Rows]) -> bool:
    """Whether ROWS are one of the ACCEPTABLE answers, in any order; a row of what is not known may be left out."""
    for answer in acceptable:
        for mine, theirs in ((list(rows), list(answer)), (_known(rows), _known(answer))):
            if len(mine) == len(theirs) and _matched(mine, theirs):
                return True
    return False


def _known(rows: Rows) -> list[Sequence[Any]]:
    return [row for row in rows if len(row) < 2 or not any(cell is None for cell in row[:2])]


def _matched(mine: list[Sequence[Any]], theirs: list[Sequence[Any]]) -> bool:
    free = list(mine)
    for wanted in theirs:
        at = next((i for i, row in enumerate(free) if holds(row, wanted)), None)
        if at is None:
            return False
        free.pop(at)
    return True


def asked(
    live: Live, plain: dict[str, list[dict[str, Any]]], questions: Any, model: str
) -> tuple[dict[str, str], list[float]]:
    """Return for each question whether the answer with MODEL is right, wrong or refused, with its processor seconds."""
    found, seconds = {}, []
    for question, oracle in questions:
        begun = process_time()
        answer = told(question, live, sql=False, model=model, limits=Limits(100_000), today=TODAY)
        seconds.append(process_time() - begun)
        if answer.answer is None:
            found[question] = f"refused: {answer.reason}"
        else:
            found[question] = "right" if right(answer.answer.rows, oracle(plain)) else "wrong"
        print(f"{model:6} {found[question][:100]:12} {question}", flush=True)
    return found, seconds


def main() -> None:
    """Ask all questions without a model and with the local one, and write the four numbers."""
    from benchmarks._ask_questions import QUESTIONS

    only = argparse.ArgumentParser()
    only.add_argument("--without-model", action="store_true", help="write the first two numbers only")
    whole = tables()
    plain = {name: table.to_pylist() for name, table in whole.items()}
    live = opened_tables(whole)
    kinds = [("ask", "none")] + ([] if only.parse_args().without_model else [("ask_local", "local")])
    for prefix, model in kinds:
        found, seconds = asked(live, plain, QUESTIONS, model)
        n = len(found)
        protocol = f"{n} questions with answers by plain Python that were written apart from the parser ({SEEN}), over "
        protocol += f"{len(plain['incidents']):,} incidents of HHS, {len(plain['findings'])} made findings and "
        protocol += (
            f"{len(plain['audits'])} made audits; {'templates alone' if model == 'none' else 'templates, then '}"
        )
        protocol += "" if model == "none" else "SmolLM2-135M on this machine where they refuse"
        protocol += f"; processor seconds of a question {median(seconds):.2f} at the median, {max(seconds):.1f} at most"
        counts = {kind: sum(said.startswith(kind) for said in found.values()) for kind in ("right", "wrong", "refused")}
        protocol += f"; right {counts['right']}, wrong {counts['wrong']}, refused {counts['refused']}"
        write_interval(f"{prefix}_right", _scaled(wilson(counts["right"], n), n), protocol)
        wrong, likely = counts["wrong"], _scaled(wilson(counts["wrong"], n), n)
        more = f"; wrong is the count of these; as a draw of questions like them {likely.low:.1f} to {likely.high:.1f}"
        write(f"{prefix}_wrong", value=wrong, low=wrong, high=wrong, n=n, protocol=protocol + more)
        keep_cases(f"{prefix}_right", {question: said == "right" for question, said in found.items()})
        print(protocol)


def _scaled(share: Any, n: int) -> Any:
    """Return the interval of a share as one of questions out of N."""
    from dataclasses import replace

    return replace(share, value=round(share.value * n), low=share.low * n, high=share.high * n)


if __name__ == "__main__":
    main()
