"""Labels recorded visits: `cd range && python -m labels --visits DIR/visits --out DIR/labels [--split split.json]`."""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from labels.agree import NO, YES
from labels.card import as_markdown, make_card
from labels.decide import Decider
from labels.facts import candidates
from labels.fields import Fields, lay_out
from labels.gather import gather
from labels.law import read_law
from labels.leaves import make_leaves, write_leaves
from labels.randomised import Verdict
from labels.read import TruthError, truth_files, truth_folder
from labels.rows import SCHEMA, Row, make_rows, read_split, write_rows
from labels.sample import write_sample


def write_fields(fields: Fields, verdicts: dict[int, Verdict], path: Path) -> None:
    """Write what source (b) said of every field that is not constant."""
    rows = [
        {
            "component": about[0],
            "recipient": about[1],
            "field": about[2],
            "verdict": verdict.kind,
            "properties": list(verdict.properties),
            "p": verdict.p,
            "even": verdict.even,
            "odd": verdict.odd,
            "right": verdict.right,
        }
        for key, verdict in sorted(verdicts.items())
        if verdict.kind != "constant"
        for about in [fields.describe(key)]
    ]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("component", "recipient", "field", "verdict")),
            ("properties", pa.list_(pa.string())),
            ("p", pa.float64()),
            ("even", pa.int32()),
            ("odd", pa.int32()),
            ("right", pa.int32()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), path, compression="zstd")


def write_disagreements(rows: list[Row], path: Path) -> int:
    """Write the rows in which the sources differ, each with its explanation; return how many there are."""
    differ = [row for row in rows if {row.source_a, row.source_b} == {YES, NO}]
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, SCHEMA.names)
        sheet.writeheader()
        sheet.writerows({**row.columns(), "faults": ",".join(row.faults)} for row in differ)
    return len(differ)


def label(visits: Path, out: Path, split_file: Path | None, seed: int) -> str:
    """Label the visits in VISITS and write everything to OUT; return a line that says what was made."""
    begun = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {text}", file=sys.stderr, flush=True)

    split, law = read_split(split_file), read_law()
    gathered = gather(truth_files(visits), tell)
    out.mkdir(parents=True, exist_ok=True)
    tell(
        f"{len(gathered.visits)} visits, {len(gathered.request['visit']):,} requests, "
        f"{len(gathered.leaf['request']):,} leaves"
    )
    fields = lay_out(gathered)
    tell(f"{len(fields.wide):,} fields")
    decider = Decider(gathered, fields)
    verdicts = decider.decide()
    carried = decider.carried()
    tell(f"{sum(verdict.carries for verdict in verdicts.values()):,} fields carry something")
    rows = make_rows(gathered, candidates(gathered, fields, carried, law), verdicts, law, split)
    write_rows(rows, out / "labels.parquet")
    write_fields(fields, verdicts, out / "fields.parquet")
    told = make_leaves(gathered, fields, carried)
    write_leaves(told, out / "leaves.parquet")
    tell(f"{told.num_rows:,} single values told")
    differ = write_disagreements(rows, out / "disagreements.csv")
    drawn = write_sample(gathered, rows, truth_folder(visits), out, seed)
    digests = {"labels.parquet": hashlib.sha256((out / "labels.parquet").read_bytes()).hexdigest()}
    if split_file:
        digests["split"] = hashlib.sha256(split_file.read_bytes()).hexdigest()
    card = make_card(gathered, rows, verdicts, digests, split)
    (out / "card.json").write_text(json.dumps(card, indent=1, allow_nan=False, default=str) + "\n", "utf-8")
    (out / "card.md").write_text(as_markdown(card) + "\n", "utf-8")
    tell(f"{drawn} rows drawn for the check by hand")
    claims = card["distinct_claims"]
    return (
        f"{len(rows)} rows, {claims['all']} distinct claims, {claims['violation']} violations, "
        f"{differ} rows in which the sources differ"
    )


def main(arguments: list[str] | None = None) -> int:
    """Label as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m labels", description=__doc__)
    parser.add_argument(
        "--visits", type=Path, required=True, help="folder of visits: *.truth.ndjson.zst there or in `truth` beside it"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for labels.parquet, card.md, card.json, disagreements.csv, ..."
    )
    parser.add_argument("--split", type=Path, help="the committed split: family -> train or test")
    parser.add_argument("--seed", type=int, default=1, help="of the rows drawn for the check by hand")
    asked = parser.parse_args(arguments)
    try:
        print(label(asked.visits, asked.out, asked.split, asked.seed))
    except (TruthError, ValueError, OSError) as fault:
        print(f"labels: {fault}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
