"""A HAR to flagged requests: time, memory and score beside adblock-rust and Presidio on the same requests.

The three answer different questions: a blocking list knows addresses, Presidio knows the form of personal data in
text, Consentinel follows values through encodings and asks for consent. The score is one for all: of the requests
that carry a planted value to a third party after consent was denied, the share that is flagged, and of all other
requests the share that is flagged too.
"""

import os
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote_plus

from _claim import ROOT, Measured, measure, one_core
from speed._leaks import Sent, requests, visitor, write_har

N_REQUESTS = 20_000
SAMPLE = 1_000  # of these, for Presidio, which is slow
LISTS = ("easylist_2026-07", "easyprivacy_2026-07")
# Used when the shared lists are not there: the rules of these lists' kind for the known receivers.
SMALL_LIST = [
    "||google-analytics.com^", "||googletagmanager.com^", "||facebook.com/tr", "||bat.bing.com^", "||adnxs.com^",
    "||ads.linkedin.com^", "||analytics.tiktok.com^",
]  # fmt: skip
PRESIDIO_SCORE = 0.5
Answer = tuple[Measured, list[bool], str]


def adblock_rust(sent: list[Sent]) -> Answer:
    """Ask adblock-rust about the address, page and kind of each request."""
    import adblock

    rules, note = filter_rules()
    filters = adblock.FilterSet()
    filters.add_filters(rules)
    engine = adblock.Engine(filters)
    with measure() as spent:
        flags = [engine.check_network_urls(s.url, s.page, s.kind).matched for s in sent]
    return spent, flags, f"adblock {version('adblock')}, {note}; sees the address only"


def filter_rules() -> tuple[list[str], str]:
    """Return the filter rules and where they are from."""
    import zstandard

    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    files = [shared / "detect" / "filter_lists" / f"{name}.txt.zst" for name in LISTS]
    if not all(file.is_file() for file in files):
        return SMALL_LIST, f"a list of {len(SMALL_LIST)} rules, since CONSENTINEL_SHARED_DATA has no filter lists"
    texts = [zstandard.ZstdDecompressor().stream_reader(file.open("rb")).read().decode() for file in files]
    rules = [line for text in texts for line in text.splitlines() if line and line[0] not in "![" and "##" not in line]
    return rules, f"EasyList and EasyPrivacy of 2026-07, {len(rules):,} network rules"


def presidio(sent: list[Sent]) -> Answer:
    """Ask the pattern recognisers of Presidio for English about the text of each request; no language model."""
    import tldextract
    from presidio_analyzer import PatternRecognizer, RecognizerRegistry

    # Its e-mail recogniser would fetch the list of public suffixes; the copy in the package serves as well.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    parts = [
        r for r in registry.recognizers
        if isinstance(r, PatternRecognizer) and not {"URL", "DATE_TIME"} & set(r.supported_entities)
    ]  # fmt: skip

    def flagged(text: str) -> bool:
        found = (hit for r in parts for hit in r.analyze(text, r.supported_entities, None))
        return any(hit.score >= PRESIDIO_SCORE for hit in found)

    with measure() as spent:
        flags = [flagged(f"{unquote_plus(s.url)}\n{s.headers.get('Cookie', '')}\n{unquote_plus(s.body)}") for s in sent]
    note = f"presidio-analyzer {version('presidio-analyzer')}, {len(parts)} pattern recognisers"
    return spent, flags, f"{note}, score from {PRESIDIO_SCORE}; sees address, cookies and body, percent-decoded"


def consentinel_alone(sent: list[Sent]) -> Answer:
    """Scan without knowing what was planted."""
    return scan(sent, planted=False)


def consentinel_planted(sent: list[Sent]) -> Answer:
    """Scan with the planted values told, as in an audit."""
    return scan(sent, planted=True)


def scan(sent: list[Sent], planted: bool) -> Answer:
    """Read, decode and judge a HAR of SENT; a request is flagged when a rule claims a potential violation in it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from consentinel.core.shelf import Shelf
    from consentinel.detect.collectors import har
    from consentinel.detect.collectors._batch import Options
    from consentinel.detect.judge import PROOF_BITS, Judge
    from consentinel.detect.observe import Observer
    from consentinel.detect.pipeline import Pipeline
    from consentinel.detect.planted import Planted, PlantedValue
    from consentinel.detect.policy import load
    from consentinel.detect.sightings import Sighter

    pa.set_cpu_count(1)
    shelves = [
        Shelf(f"consentinel.detect.{name}", door)
        for name, door in (("surfaces", "recognise"), ("signals", "read"), ("rules", "find"))
    ]
    surfaces, signals, rules = ([shelf.take(name) for name in shelf.names()] for shelf in shelves)
    values = [PlantedValue(name, kind, value) for name, (kind, value) in person().items()]
    known = Planted(values) if planted else None
    if known:
        known.find(pa.array(["warm"], pa.large_string()))  # the automata are made once a run and not timed
    observer = Observer(bytes(32), surfaces, signals, known)
    judge = Judge(Sighter(load(None, region="EU"), region="EU"), rules)
    whole: list[dict[str, pa.Table]] = []

    class Keeping:  # lets the judge work and keeps what it got
        def batch(self, **tables: pa.Table) -> None:
            whole.append(tables)
            judge.batch(**tables)

    traffic: list[pa.Table] = []
    put = dict.fromkeys(("visits", "data", "calls", "consent"), lambda _: None) | {"traffic": traffic.append}
    pipeline = Pipeline(observer, Keeping(), put, [])  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "traffic.har"
        write_har(file, sent)
        with measure() as spent:
            pipeline.file(file, har, Options(scenario="reject", key=bytes(32)))
            pipeline.flush()
            judge.findings()
    hit: set[tuple[str, int]] = set()
    for tables in whole:
        seen = judge.sighter.join(tables["visits"], tables["data"], tables["consent"])
        for rule in rules:
            claimed = rule.find(seen)
            against = pc.is_in(claimed["consent_state"].cast(pa.string()), pa.array(["denied", "before", "opted_out"]))
            claimed = claimed.filter(pc.and_(against, pc.not_equal(claimed["needs"].cast(pa.string()), "nothing")))
            if planted:
                claimed = claimed.filter(pc.greater_equal(claimed["matched_bits"], PROOF_BITS))
            hit.update(zip(claimed["visit_id"].to_pylist(), claimed["seq"].to_pylist(), strict=True))
    told = pa.concat_tables(traffic)
    flags = [pair in hit for pair in zip(told["visit_id"].to_pylist(), told["seq"].to_pylist(), strict=True)]
    note = ", planted values known, only proof (P0) counts" if planted else ", nothing known beforehand"
    return spent, flags, f"from the file to findings{note}"


def person() -> dict[str, tuple[str, str]]:
    """Return the planted values."""
    return visitor(random.Random(3))


def main() -> list[dict[str, Any]]:
    """Return one row for each tool; every tool runs in a process of its own on one core."""
    one_core()
    sent = requests(N_REQUESTS, person())
    rows = []
    tools: list[tuple[Callable[[list[Sent]], Answer], int]] = [
        (consentinel_alone, N_REQUESTS), (consentinel_planted, N_REQUESTS), (adblock_rust, N_REQUESTS),
        (presidio, SAMPLE),
    ]  # fmt: skip
    for tool, n in tools:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            spent, flags, note = pool.submit(tool, sent[:n]).result()
        if len(flags) != n:
            raise SystemExit(f"{tool.__name__} answered on {len(flags)} of {n} requests")
        leaking = [flag for flag, s in zip(flags, sent, strict=False) if s.leaks]
        other = [flag for flag, s in zip(flags, sent, strict=False) if not s.leaks]
        rows.append(
            {
                "tool": tool.__name__.replace("_", " "), "requests": n, "us/request": spent.seconds / n * 1e6,
                "cpu us/request": spent.cpu_s / n * 1e6, "peak MB": spent.peak_mb,
                "leaks flagged": sum(leaking) / len(leaking), "others flagged": sum(other) / len(other), "how": note,
            },
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    from run import text_table

    print(text_table(main()))
