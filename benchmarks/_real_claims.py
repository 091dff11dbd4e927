"""Claims that a scan makes of real captures: which there are, a draw of them, and sheets for two annotators to judge.

What is drawn is one (site, recipient, data type, field). The sheets show what a person needs (the value and the
address, cut; what the claim says) and nothing of how sure the scan is or what another tool says; they hold raw values
of robots' visits and stay in runs/. The answers, which hold none, are kept in benchmarks/labels.
"""

import csv
import hashlib
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from _claim import ROOT
from consentinel.core.finding_words import TYPES
from consentinel.core.mask import digests, project_key
from consentinel.detect.collectors._batch import Options
from consentinel.detect.decode import Decoder
from consentinel.detect.pipeline import inputs
from consentinel.detect.shelves import COLLECTORS
from consentinel.detect.sightings import SAID

__all__ = ["ANSWERS", "Claim", "draw", "found", "read", "sheets", "taken", "unseen"]

WORK = ROOT / "runs" / "real-world"
LABELS = ROOT / "benchmarks" / "labels"
# How it scans, beside what a source asks for.
SCAN = ("--models", "default", "--scenario", "no_action", "--formats", "json")
OTHER_RULES = ("storage_before_consent", "choice_not_kept", "randomised_difference")  # not about what a field carries
DRAWN, SEED = 600, 11
SEEN = "real_world_development.csv"  # earlier draws; what was mended after them is judged on other claims
URL_LENGTH, VALUE_LENGTH = 400, 80
ANSWERS = ("yes", "no", "unsure")
QUESTIONS = ("carries", "third_party")


@dataclass(frozen=True, slots=True)
class Source:
    """Real captures: where they lie, how their table is made for the scan ("" for HAR files), and what they are."""

    folder: str
    query: str
    kind: str


SOURCES = {
    "har": Source("har_captures/har", "", "page load by a robot, 2015 to 2026"),
    "pioneer": Source(
        "privacy_pioneer_crawl/detections.parquet",
        # one row a request; which of the crawl's rules fired, and for what, is left behind
        'select distinct "requestUrl" as url, "rootUrl" as page, condition as scenario, '
        "country || ' ' || condition || ' ' || \"rootUrl\" as visit from read_parquet(?) order by all",
        "page load by a robot, 2025",
    ),
    "corpus": Source(
        "request_corpus_2015/requests.parquet",
        "select url, 'http://' || page_guess || '/' as page, page_guess as visit from read_parquet(?) order by seq",
        "page load by a robot, 2015; the page is a guess from the order of requests",
    ),
}


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim with an example of it; VISIT and SEQ find the request, DIGEST the value."""

    id: str
    source: str
    site: str
    recipient: str
    type: str
    key: str
    carrier: str
    state: str
    visit: str
    seq: int
    digest: int


def shared() -> Path:
    """Return the folder with the real captures; raises SystemExit when it is not here."""
    folder = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "detect"
    missing = [s.folder for s in SOURCES.values() if not (folder / s.folder).exists()]
    if missing:
        raise SystemExit(
            f"not here: {', '.join(missing)}; set CONSENTINEL_SHARED_DATA to the folder with detect/ in it"
        )
    return folder


def found() -> list[Claim]:
    """Scan every source as a user would and return the claims, each once, in a fixed order."""
    every = [claim for name in SOURCES for claim in _claims(name, _scanned(name))]
    return sorted({claim.id: claim for claim in reversed(every)}.values(), key=lambda claim: claim.id)


def _prepared(name: str) -> Path:
    source = SOURCES[name]
    if not source.query:
        return shared() / source.folder
    file = WORK / "in" / f"{name}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    table = duckdb.sql(source.query, params=[str(shared() / source.folder)])
    pq.write_table(table.to_arrow_table(), file)
    return file


def _scanned(name: str) -> Path:
    out = WORK / name
    command = [sys.executable, "-m", "consentinel", "detect", "scan", str(_prepared(name)), "--out", str(out), *SCAN]
    command += ["--project-key-file", str(WORK / "key")]
    without = {k: v for k, v in os.environ.items() if k != "CONSENTINEL_KEY"}
    code = subprocess.run(command, cwd=ROOT, env=without, stdout=subprocess.DEVNULL).returncode
    if code not in (0, 1, 3):
        raise SystemExit(f"the scan of {name} ended with code {code}")
    return out


_CLAIMS = """
with claim as (
  select distinct subject::varchar as site, scenario::varchar as scenario, recipient::varchar as recipient,
    type::varchar as type, consent_state::varchar as state, unnest(keys) as key
  from read_parquet($findings)
  where outcome = 'potential violation' and party = 'third' and type is not null
    and not list_contains($rules, rule::varchar)
), datum as (
  select v.subject::varchar as site, v.scenario::varchar as scenario, d.recipient::varchar as recipient,
    d.type::varchar as type, d.key::varchar as key, d.carrier::varchar as carrier, d.visit_id::varchar as visit,
    d.seq, d.digest
  from read_parquet($data) d join read_parquet($visits) v using (visit_id)
  where d.action = 'sent' and d.type is not null and d.seq is not null and d.type_p >= $said
)
select site, recipient, d.type, key, min_by((d.carrier, c.state, d.visit, d.seq, d.digest), (d.visit, d.seq, d.carrier))
from claim c join datum d using (site, scenario, recipient, key)
where d.type = c.type or (c.type = 'fingerprint.surface' and d.carrier <> 'header')  -- a surface is made of properties
group by all order by all
"""


def _claims(name: str, folder: Path) -> list[Claim]:
    values: dict[str, object] = {n: str(folder / f"{n}.parquet") for n in ("findings", "data", "visits")}
    values |= {"rules": list(OTHER_RULES), "said": SAID}
    claims = []
    for site, recipient, kind, key, (carrier, state, visit, seq, digest) in duckdb.execute(_CLAIMS, values).fetchall():
        name_of = "\n".join((site, recipient, kind, key))
        number = hashlib.sha256(name_of.encode()).hexdigest()[:16]
        claims.append(Claim(number, name, site, recipient, kind, key, carrier, state, visit, seq, digest))
    return claims


def unseen(claims: Iterable[Claim]) -> list[Claim]:
    """Return the CLAIMS that were in none of the draws on which faults were found and mended."""
    file = LABELS / SEEN
    known = {row["claim"] for row in read(file)} if file.is_file() else set()
    return [claim for claim in claims if claim.id not in known]


def draw(claims: Iterable[Claim], n: int = DRAWN, seed: int = SEED) -> list[Claim]:
    """Return N of CLAIMS (all where there are fewer): from each stratum (type, source) in turn, at random within it."""
    strata: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for claim in claims:
        strata[claim.type, claim.source].append(claim)
    rng = random.Random(seed)
    for name in sorted(strata):
        rng.shuffle(strata[name])
    taken: list[Claim] = []
    while len(taken) < n and any(strata.values()):
        for name in sorted(strata):
            taken += [strata[name].pop()] if strata[name] else []
    return sorted(taken[:n], key=lambda c: c.id)


def sheets(claims: list[Claim]) -> list[Path]:
    """Write the two blind sheets of CLAIMS, and the file that says what was drawn, and return them.

    A sheet that somebody began to answer is never written over: raises SystemExit.
    """
    files = [WORK / f"sheet_{who}.csv" for who in "ab"]
    for file in files:
        if file.exists() and any(row[q] for row in read(file) for q in QUESTIONS):
            raise SystemExit(f"{file.name} has answers in it: move it away first")
    rows = [row for name in SOURCES for row in _rows(name, [c for c in claims if c.source == name])]
    if len(rows) != len(claims):
        raise SystemExit(f"{len(claims) - len(rows)} claims have no value that can be shown")
    WORK.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        mixed = sorted(rows, key=lambda row: row["claim"])
        random.Random(SEED * 100 + number).shuffle(mixed)
        _write(file, mixed)
    LABELS.mkdir(exist_ok=True)
    drawn = [{"claim": c.id, "source": c.source, "type": c.type, "cluster": _cluster(c.recipient)} for c in claims]
    _write(LABELS / "real_world_draw.csv", drawn)
    return [*files, LABELS / "real_world_draw.csv"]


def _cluster(recipient: str) -> str:
    return hashlib.sha256(f"recipient\n{recipient}".encode()).hexdigest()[:12]


def _rows(name: str, claims: list[Claim]) -> list[dict[str, str]]:
    """What a person sees of each claim: the source is read anew, as the scan keeps no value."""
    at = {(c.visit, c.seq): c for c in claims}
    values: dict[str, str] = {}
    addresses: dict[tuple[str, int], dict[str, str]] = {place: {} for place in at}
    by_place: dict[tuple[str, int], list[Claim]] = defaultdict(list)
    for claim in claims:
        by_place[claim.visit, claim.seq].append(claim)
    key, visits = project_key(WORK / "key"), pa.array({c.visit for c in claims}, pa.string())
    for part, file, options in _read_as_scanned(name, key):
        decoder = Decoder()
        for batch in part.read(file, options, []):
            if batch.raw is None or batch.traffic is None:
                continue
            for row in _of(batch.traffic, visits, "host"):
                if row[:2] in addresses:
                    addresses[row[:2]]["host"] = str(row[2])
            for visit, seq, carrier, text in _of(batch.raw, visits, "carrier", "value"):
                if (visit, seq) in addresses and carrier in ("path", "query"):
                    addresses[visit, seq][carrier] = text.decode("utf-8", "replace")
            leaves = _of(decoder.expand(batch.raw), visits, "key", "carrier", "value")
            wanted = [row for row in leaves if row[:2] in by_place]
            marks = digests(pa.array([row[4] for row in wanted], pa.string()), key).tolist() if wanted else []
            for (visit, seq, field, carrier, text), mark in zip(wanted, marks, strict=True):
                for claim in by_place[visit, seq]:
                    if (field, carrier, mark) == (claim.key, claim.carrier, claim.digest):
                        values[claim.id] = text
    return [_row(c, values[c.id], addresses[c.visit, c.seq]) for c in claims if c.id in values]


def _read_as_scanned(name: str, key: bytes):  # type: ignore[no-untyped-def]
    part = COLLECTORS.take("requests" if SOURCES[name].query else "har")
    for number, file in enumerate(inputs([_prepared(name)], part.SUFFIXES)):
        yield part, file, Options(file_no=number, scenario="no_action", key=key)


def _of(table: pa.Table, visits: pa.Array, *columns: str) -> list[tuple]:  # type: ignore[type-arg]
    """Rows (visit, seq, *COLUMNS) of TABLE that belong to VISITS and to a request."""
    ours = pc.is_in(table["visit_id"].cast(pa.string()), value_set=visits)
    small = table.select(["visit_id", "seq", *columns]).filter(pc.and_(ours, table["seq"].is_valid()))
    return list(zip(*(column.to_pylist() for column in small.columns), strict=True))


def _row(claim: Claim, value: str, address: dict[str, str]) -> dict[str, str]:
    query = address.get("query")
    url = address.get("host", "") + address.get("path", "/") + (f"?{query}" if query else "")
    return {
        "claim": claim.id,
        "capture": SOURCES[claim.source].kind,
        "page_host": claim.site,
        "recipient": claim.recipient,
        "carrier": claim.carrier,
        "field": claim.key,
        "value": _cut(value, VALUE_LENGTH),
        "request": _cut(url, URL_LENGTH),
        "consent_seen": {"before": "no choice was made yet"}.get(claim.state, claim.state),
        "our_claim": f"this field holds {TYPES.get(claim.type, claim.type)} ({claim.type}) of the visitor's person or "
        f"device, and it went to a company other than the site's",
        **dict.fromkeys(QUESTIONS, ""),
        "remark": "",
    }


def _cut(text: str, longest: int) -> str:
    line = "".join(c if c.isprintable() else "\ufffd" for c in text)
    line = line if len(line) <= longest else f"{line[:longest]}\u2026 ({len(line):,} characters)"
    return f"'{line}" if line[:1] in ("=", "+", "-", "@") else line  # a spreadsheet would take it for a formula


def taken(who: str) -> Path | None:
    """Return the label file of annotator WHO (a, b), made from the answered sheet where there is a complete one.

    Raises SystemExit naming the first line whose answer is none of yes, no, unsure.
    """
    sheet, labels = WORK / f"sheet_{who}.csv", LABELS / f"real_world_{who}.csv"
    rows = read(sheet) if sheet.is_file() else []
    if not rows or not any(row[q].strip() for row in rows for q in QUESTIONS):
        return labels if labels.is_file() else None
    for line, row in enumerate(rows, 2):
        for question in QUESTIONS:
            if row[question].strip().lower() not in ANSWERS:
                raise SystemExit(f"{sheet.name}, line {line}, {question}: answer with {', '.join(ANSWERS)}")
    answers = [{"claim": r["claim"], **{q: r[q].strip().lower() for q in QUESTIONS}} for r in rows]
    _write(labels, sorted(answers, key=lambda row: row["claim"]))
    return labels


def read(file: Path) -> list[dict[str, str]]:
    """Return the rows of a sheet or of answers."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def _write(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as text:
        sheet = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        sheet.writeheader()
        sheet.writerows(rows)
