"""What purpose judges learn from: pairs of the proving range and of the entity map, and cookies that sites declared.

Sites, hosts and components serve to find the label and to keep rows of one family together; none is a feature.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from consentinel.core.contracts import SurfacePart
from consentinel.core.errors import BadInput
from consentinel.core.mask import entropies, shapes
from consentinel.core.progress import each
from consentinel.core.tables import check
from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Options
from consentinel.detect.decode import Decoder
from consentinel.detect.judges._purpose_linear import FROM_MAP
from consentinel.detect.judges._rows import COOKIE_ROWS, PURPOSE_ROWS
from consentinel.detect.observe import Observer
from consentinel.detect.parties import lookup, registrable
from consentinel.detect.surfaces._pairs import Pairs

__all__ = ["COOKIE_TABLE", "FROM_RANGE", "PURPOSE_TABLE", "cookies", "pairs"]

PURPOSE_TABLE = pa.schema([*PURPOSE_ROWS, ("family", pa.string()), ("purpose", pa.string()), ("teacher", pa.string())])
COOKIE_TABLE = pa.schema([*COOKIE_ROWS, ("site", pa.string()), ("purpose", pa.string())])
# Purpose that the range names -> purpose that judges tell.
FROM_RANGE = {
    "advertising": "advertising", "analytics": "analytics", "consent_management": "necessary",
    "functional": "functional", "first_party": "functional", "hosting": "functional", "security": "necessary",
}  # fmt: skip
_DECLARED = ("necessary", "functional", "analytics", "advertising")  # labels 0 to 3 of CookieBlock's crawls

# Headers that a browser sets by itself say nothing of the recipient, so their names are no features.
_PIECE = """
with sent as (select * from data where action = 'sent' and seq is not null and carrier <> 'header')
select $site as subject, t.host::varchar as recipient,
  list_sort(list(distinct t.method::varchar) filter (t.method is not null)) as methods,
  list_sort(list(distinct t.resource_type::varchar) filter (t.resource_type is not null)) as resource_types,
  list_sort(list(distinct d.key::varchar) filter (d.key is not null)) as keys,
  list_sort(list(distinct d.type::varchar) filter (d.type is not null)) as types,
  list_sort(list(distinct d.carrier::varchar) filter (d.carrier is not null)) as carriers,
  count(distinct t.seq) as n_requests
from traffic t left join sent d on d.seq = t.seq where t.direction = 'sent' group by all
"""
_WHOLE = """
select subject, recipient, list_sort(list_distinct(flatten(list(methods)))) as methods,
  list_sort(list_distinct(flatten(list(resource_types)))) as resource_types,
  list_sort(list_distinct(flatten(list(keys)))) as keys, list_sort(list_distinct(flatten(list(types)))) as types,
  list_sort(list_distinct(flatten(list(carriers)))) as carriers, sum(n_requests)::bigint as n_requests
from pieces group by all order by subject, recipient
"""


def pairs(
    visits: list[Path],
    labels: Path,
    surfaces: list[SurfacePart[Pairs]],
    *,
    group: str = "train",
    tell: Callable[[str], None] = lambda text: None,
) -> pa.Table:
    """Return PURPOSE_TABLE for the recordings VISITS whose site the LABELS (a folder) put into GROUP, sorted.

    A recording is named site~scenario~repeat. Where the labels do not know a recipient, the entity map teaches; what
    neither knows is left out. Raises BadInput where the labels are missing or none of VISITS has any.
    """
    file = labels / "labels.parquet"
    if not file.is_file():
        raise BadInput("there is no labels.parquet", where=labels.name, todo="Label the range: see range/README.md")
    known = pq.read_table(file, columns=["site", "split", "recipient", "family", "purpose"])
    known = known.filter(pc.equal(known["split"], group))
    sites = set(known["site"].to_pylist())
    wanted = sorted(path for path in visits if path.name.partition("~")[0] in sites)
    if not wanted:
        raise BadInput(f"none of these recordings is of a site in group '{group}'", where=labels.name)
    pieces = []
    with duckdb.connect() as engine:
        engine.execute("set threads = 1")
        for number, path in enumerate(each(wanted, "recordings read for purposes"), 1):
            observer, decoder, site = Observer(b"", surfaces, []), Decoder(), path.name.partition("~")[0]
            for batch in har.read(path, Options(), []):
                if batch.raw is None or batch.traffic is None:
                    continue
                engine.register("traffic", batch.traffic)
                engine.register("data", observer.observe(decoder.expand(batch.raw))[0])
                pieces.append(engine.sql(_PIECE, params={"site": site}).to_arrow_table())
            if number % 25 == 0 or number == len(wanted):
                tell(f"{number} of {len(wanted)} recordings read")
        engine.register("pieces", pa.concat_tables(pieces))
        whole = check(engine.sql(_WHOLE).to_arrow_table(), PURPOSE_ROWS, "detect.train")
    return _taught(whole, known)


def _taught(rows: pa.Table, known: pa.Table) -> pa.Table:
    """Return PURPOSE_TABLE: ROWS that labels or the entity map teach; a pair of many components has their first family.

    A pair whose components differ in purpose teaches nothing.
    """
    told: dict[tuple[str, str], set[tuple[str, str]]] = {}
    columns = (known[name].to_pylist() for name in ("site", "recipient", "purpose", "family"))
    for site, host, purpose, family in zip(*columns, strict=True):
        told.setdefault((site, host), set()).add((FROM_RANGE.get(purpose, ""), family))
    hosts = sorted(set(rows["recipient"].to_pylist()))
    by_map = dict(zip(hosts, lookup(hosts)["purpose"].to_pylist(), strict=True))
    families, purposes, teachers = [], [], []
    for site, host in zip(rows["subject"].to_pylist(), rows["recipient"].to_pylist(), strict=True):
        found = told.get((site, host), set())
        names = {purpose for purpose, _ in found}
        labelled = len(names) == 1 and "" not in names
        purposes.append(names.pop() if labelled else None if found else FROM_MAP.get(by_map[host]))
        families.append(min(family for _, family in found) if found else f"map/{registrable(host)}")
        teachers.append("labels" if labelled else "entity map")
    for name, column in (("family", families), ("purpose", purposes), ("teacher", teachers)):
        rows = rows.append_column(name, pa.array(column, pa.string()))
    return check(rows.filter(rows["purpose"].is_valid()), PURPOSE_TABLE, "detect.train")


def cookies(file: Path) -> pa.Table:
    """Return COOKIE_TABLE for a Parquet FILE of declared cookies, sorted.

    It has columns name, first_value, expiry_s, session, domain, first_party_domain and label (0 necessary,
    1 functional, 2 analytics, 3 advertising). Raises BadInput where it cannot be read or lacks one.
    """
    try:
        table = pq.read_table(file)
        name, value, lasts, session, domain, page, label = (
            table[column].combine_chunks()
            for column in ("name", "first_value", "expiry_s", "session", "domain", "first_party_domain", "label")
        )
    except (OSError, KeyError, pa.ArrowInvalid):
        todo = "give one with the columns that cookies() names"
        raise BadInput("is no Parquet file of declared cookies", where=file.name, todo=todo) from None
    values = pc.fill_null(value.cast(pa.string()), "")
    sites = [registrable(urlsplit(text).hostname or "") for text in page.to_pylist()]
    third = [registrable(host.lstrip(".")) != site for host, site in zip(domain.to_pylist(), sites, strict=True)]
    held = pa.table(
        [
            name.cast(pa.string()),
            shapes(values).cast(pa.string()),
            pc.utf8_length(values).cast(pa.int64()),
            pa.array(entropies(values).astype(np.float32)),
            pc.if_else(session, pa.scalar(None, pa.int64()), lasts),
            pa.array(np.where(third, "third", "first")),
            pa.array(sites, pa.string()),
            pa.array([_DECLARED[at] for at in label.to_pylist()], pa.string()),
        ],
        schema=COOKIE_TABLE,
    )
    return held.sort_by([(column, "ascending") for column in COOKIE_TABLE.names])
