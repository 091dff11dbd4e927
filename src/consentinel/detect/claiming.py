"""The claims of a finished scan: its tables are read again and judged anew, without the traffic."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from consentinel.core.contracts import Judge
from consentinel.core.errors import BadInput
from consentinel.core.progress import each
from consentinel.core.run import Run
from consentinel.core.tables import CONSENT, DATA, FINDINGS, TRAFFIC, VISITS, check
from consentinel.detect.held_out_types import HeldOutTypes
from consentinel.detect.judges._claim_rows import ClaimFields
from consentinel.detect.page_load_ids import KEYS, PageLoadIds
from consentinel.detect.pipeline import batches
from consentinel.detect.purposes import Purposes, of_tables
from consentinel.detect.sightings import Sighter

__all__ = ["claims_by_repeats", "claims_of"]

_TABLES = {"visits": VISITS, "traffic": TRAFFIC, "data": DATA, "consent": CONSENT, "findings": FINDINGS}


def claims_of(
    run: Run, scan: Path, sighter: Sighter, types: HeldOutTypes | None = None, purposes: Judge | None = None
) -> pa.Table:
    """Return CLAIM_ROWS of the finished scan in the folder SCAN, with consent and policy as SIGHTER knows them.

    TYPES tell anew which types the data have; PURPOSES judge recipients that the entity map does not know. Raises
    BadInput when a table is missing.
    """
    (rows,) = claims_by_repeats(run, scan, sighter, [None], types, purposes)
    return rows


def claims_by_repeats(
    run: Run, scan: Path, sighter: Sighter, first: Sequence[int | None], types: HeldOutTypes | None = None,
    purposes: Judge | None = None,
) -> list[pa.Table]:  # fmt: skip
    """Return the claims of the scan as `claims_of` does, once for each entry of FIRST: how many repeats are looked at.

    None: all of them. Raises BadInput when a table is missing.
    """
    for name in _TABLES:
        if not (scan / f"{name}.parquet").is_file():
            todo = "Give the folder that `detect scan` wrote (--out)"
            raise BadInput(f"has no {name}.parquet", where=scan.name, todo=todo)
        run.read(scan / f"{name}.parquet")
    visits, traffic, consent, findings = (
        check(pq.read_table(scan / f"{name}.parquet"), _TABLES[name], "detect.claims")
        for name in ("visits", "traffic", "consent", "findings")
    )
    if purposes is not None:
        of_tables(scan, Purposes(purposes, sighter))
    data = _data(scan / "data.parquet") if types is None else _retyped(scan / "data.parquet", types)
    found = []
    for most in first:
        mine = visits if most is None else visits.filter(pc.less(visits["repeat"], most))
        fields, page_load_ids = ClaimFields(), PageLoadIds()
        tables = {"visits": mine, "traffic": traffic, "data": data, "consent": consent}
        for batch in batches(tables) if data.num_rows and mine.num_rows else ():
            seen = sighter.join(batch["visits"], batch["data"], batch["consent"])
            seen = page_load_ids.without(seen, batch["data"], batch["consent"], batch["traffic"])
            fields.batch(seen, batch["data"])
        found.append(fields.rows(findings, sighter.judged))
    return found


def _data(file: Path) -> pa.Table:
    # What has no type, is not kept on the device and states no signal is no part of a claim: most rows.
    wanted = pc.field("type").is_valid() | pc.field("action").cast(pa.string()).isin(["stored", "read"])
    wanted |= pc.match_substring_regex(pc.field("key").cast(pa.string()), KEYS)
    data = ds.dataset(file).to_table(filter=wanted)
    return check(data, DATA, "detect.claims").unify_dictionaries().combine_chunks()


def _retyped(file: Path, types: HeldOutTypes) -> pa.Table:
    with pq.ParquetFile(file) as source:
        pieces = (
            check(source.read_row_group(at), DATA, "detect.claims")
            for at in each(range(source.num_row_groups), "held-out types")
        )
        tables = [types.retyped(piece) for piece in pieces]
    return pa.concat_tables([DATA.empty_table(), *tables]).unify_dictionaries().combine_chunks()
