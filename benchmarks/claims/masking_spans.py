"""Personal data in synthetic texts: spans that masking finds, and spans found that are some, on held-out templates."""

import gzip
import hashlib
import json
import os
import sys
import time
from collections import Counter, defaultdict
from typing import Any

import numpy as np

from benchmarks._claim import ROOT, write, write_interval
from consentinel.core.stats import Interval, korn_graubard
from consentinel.understand.masked import WIDER, spans
from consentinel.understand.shelves import MASKING

NAMES = ("masking_recall", "masking_precision", "masking_texts_per_s")
INPUTS = (
    "src/consentinel/understand/masked.py",
    "src/consentinel/understand/masking/*.py",
    "src/consentinel/understand/data/names.model",
    "src/consentinel/understand/data/regions.txt",
)
OURS = {
    "PERSON": ("PERSON",),
    "STREET_ADDRESS": ("ADDRESS", "POSTCODE"),
    "GPE": ("PLACE",),
    "ORGANIZATION": ("ORGANISATION",),
    "CREDIT_CARD": ("CARD",),
    "DATE_TIME": ("DATE", "BIRTH_DATE"),
    "TITLE": ("TITLE",),
    "PHONE_NUMBER": ("PHONE",),
    "AGE": ("AGE",),
    "NRP": ("GROUP",),
    "EMAIL_ADDRESS": ("EMAIL",),
    "ZIP_CODE": ("POSTCODE", "ADDRESS"),
    "DOMAIN_NAME": ("URL",),
    "IBAN_CODE": ("IBAN",),
    "US_SSN": ("NATIONAL_ID",),
    "IP_ADDRESS": ("IP",),
    "US_DRIVER_LICENSE": ("NATIONAL_ID",),
}
Spans = list[tuple[int, int, str]]


def held_out(template: int) -> bool:
    """Return whether TEMPLATE is of the third that nothing is chosen on."""
    return int(hashlib.sha256(f"masking:{template}".encode()).hexdigest(), 16) % 3 == 0


def read(test: bool) -> list[dict[str, Any]]:
    """Return the texts of the templates that are held out, or of the others."""
    shared = os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")
    file = f"{shared}/understand/pii_synth_presidio/synth_v2.jsonl.gz"
    if not os.path.exists(file):
        raise SystemExit(
            "no pii_synth_presidio: set CONSENTINEL_SHARED_DATA to the folder that has it under understand/"
        )
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row for row in rows if held_out(row["template_id"]) == test]


def given(row: dict[str, Any]) -> Spans:
    """Return the spans that ROW names."""
    return [(span["start_position"], span["end_position"], span["entity_type"]) for span in row["spans"]]


def touches(span: tuple[int, int, str], others: Spans) -> list[str]:
    """Return the kinds of OTHERS that share a character with SPAN."""
    return [kind for start, end, kind in others if start < span[1] and span[0] < end]


def shares(rows: list[dict[str, Any]], found: list[Spans]) -> tuple[Interval, Interval, dict[str, float]]:
    """Return recall and precision of FOUND in ROWS with intervals clustered by template, and figures beside them."""
    hits, of, right, told = [], [], [], []
    same = covered = characters = 0
    for row, mine in zip(rows, found, strict=True):
        truth = given(row)
        inside = np.zeros(len(row["full_text"]), bool)
        for start, end, _ in mine:
            inside[start:end] = True
        for span in truth:
            kinds = touches(span, mine)
            hits.append(bool(kinds))
            of.append(row["template_id"])
            same += any(kind in OURS[span[2]] for kind in kinds)
            covered += int(inside[span[0] : span[1]].sum())
            characters += span[1] - span[0]
        for span in mine:
            right.append(bool(touches(span, truth)))
            told.append(row["template_id"])
    beside = {"recall of the same kind": same / len(hits), "characters masked": covered / characters}
    return korn_graubard(hits, of), korn_graubard(right, told), beside


def ours(rows: list[dict[str, Any]], kinds: set[str]) -> list[Spans]:
    """Return what masking finds of KINDS in ROWS."""
    return [[(s.start, s.end, s.kind) for s in each] for each in spans([row["full_text"] for row in rows], kinds)]


def missed(rows: list[dict[str, Any]], found: list[Spans]) -> None:
    """Print what was not found, and what was masked that nobody named, by kind."""
    lost, wrong, total = defaultdict(list), defaultdict(list), Counter[str]()
    for row, mine in zip(rows, found, strict=True):
        truth, text = given(row), row["full_text"]
        for span in truth:
            total[span[2]] += 1
            if not touches(span, mine):
                lost[span[2]].append(text[span[0] : span[1]])
        for span in mine:
            if not touches(span, truth):
                wrong[span[2]].append(f"{text[max(0, span[0] - 15) : span[0]]}[{text[span[0] : span[1]]}]")
    for kind, n in total.most_common():
        print(f"{kind}: {len(lost[kind])} of {n} not found: {lost[kind][:25]}")
    for kind, named in wrong.items():
        print(f"masked as {kind}, named by nobody: {len(named)}: {named[:25]}")


def main(part: str = "test") -> None:
    """Mask the texts of PART; numbers are kept for the held-out templates, the others are shown with what failed."""
    rows = read(part == "test")
    every = {kind for name in MASKING.names() for kind in MASKING.take(name).KINDS}
    spans(["Jo wrote."], every)  # the model is read once
    start = time.perf_counter(), time.process_time()
    found = ours(rows, every)
    seconds, busy = time.perf_counter() - start[0], time.process_time() - start[1]
    recall, precision, beside = shares(rows, found)
    told = ", ".join(f"{name} {value:.3f}" for name, value in beside.items())
    print(f"{len(rows)} texts: recall {recall.value:.3f}, precision {precision.value:.3f}, {told}, {busy:.2f} s")
    if part != "test":
        missed(rows, found)
        return
    narrow = ours(rows, every.difference(WIDER))
    wanted = [
        {**row, "spans": [s for s in row["spans"] if not set(OURS[s["entity_type"]]) & set(WIDER)]} for row in rows
    ]
    usual, exact, _ = shares(wanted, narrow)
    told += "; what ingest masks (no companies, places, peoples, titles, dates): recall"
    told += f" {usual.value:.3f} of the spans of its kinds, precision {exact.value:.3f}"
    rule = (
        "a span counts where one of any kind shares a character with it; all kinds asked for; the third of the"
        " templates held out by hash, intervals clustered by template; the network learned from made texts alone, its"
        " thresholds and its made sentences saw the other templates; the rules were begun with samples of all in sight"
    )
    write_interval(NAMES[0], recall, f"named spans that were found; {rule}; beside it, same texts: {told}")
    write_interval(NAMES[1], precision, f"spans found that touch a named one; {rule}")
    protocol = f"texts in a second of processor time, {seconds:.1f} s of wall time, one process, all kinds"
    speed = len(rows) / busy
    write(NAMES[2], value=speed, low=speed, high=speed, n=len(rows), protocol=protocol)


if __name__ == "__main__":
    main(*sys.argv[1:])
