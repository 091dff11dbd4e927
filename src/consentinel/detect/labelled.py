"""Claims beside what somebody knows of them: the labels of the proving range, or labels of one's own in the same form.

A label names a host, a claim its registrable domain. A unit is one (site, recipient, data type, state of consent);
scenarios, fields and repeats never count, and what no claim speaks of stays in the table, as not seen.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from consentinel.core.errors import BadInput
from consentinel.core.tables import check
from consentinel.detect.judges._rows import CLAIM_ROWS

__all__ = ["LABELLED", "UNLABELLED", "labelled"]

UNLABELLED = "unlabelled"  # the labels do not speak of the site, or never of that type
LABELLED = pa.schema(
    [
        ("truth", pa.string()),  # yes, no, no_signal, undecidable; absent: site and type have labels, but not this one
        ("component", pa.string()),
        ("family", pa.string()),
        ("kind", pa.string()),  # sdk, openrtb (a builder of requests that several adapters share), bespoke
        ("planted", pa.bool_()),
        ("seen", pa.bool_()),  # there is a claim; else all columns of CLAIM_ROWS but the unit are null
        *CLAIM_ROWS,
    ]
)
_COLUMNS = (
    "site", "group", "component", "family", "recipient", "recipient_domain", "type", "consent_state", "purpose",
    "planted", "violation", "why",
)  # fmt: skip
_REMEDY = "Give a folder with labels.parquet as `make range` writes it (range/README.md)"

_UNITS = """
with label as (select * from read_parquet($labels)),
place as (select site, any_value("group") as part from label group by site),
mine as (select * from rows left join place on place.site = rows.subject where coalesce(part, $part) = $part),
hosts as (
  select l.*, coalesce(max(t.recipient), any_value(l.recipient_domain)) as domain
  from label l left join (select distinct subject, recipient from mine) t
    on t.subject = l.site and (l.recipient = t.recipient or l.recipient like '%.' || t.recipient)
  where l."group" = $part and l.purpose <> 'first_party' group by all
),
shared as (
  select family, bool_and(family <> component) or count(distinct component) > 1 as shared from hosts group by family
),
truth as (
  select site as subject, domain as recipient, type, consent_state, min(component) as component,
    arg_min(family, component) as family, bool_or(planted) as planted,
    case when bool_or(violation = 'yes') then 'yes' when bool_or(why = 'no consent signal') then 'no_signal'
      when bool_or(violation = 'undecidable') then 'undecidable' else 'no' end as truth
  from hosts group by all
),
owner as (select recipient, min(component) as component, arg_min(family, component) as family from truth group by all),
unit as (
  select coalesce(t.truth, if(m.part is null or type not in (select type from label), 'unlabelled', 'absent')) as truth,
    coalesce(t.component, o.component, recipient) as component, coalesce(t.family, o.family, recipient) as family,
    coalesce(t.planted, false) as planted, m.p_type is not null as seen,
    subject, recipient, type, consent_state, m.* exclude (subject, recipient, type, consent_state, site, part)
  from truth t full join mine m using (subject, recipient, type, consent_state) left join owner o using (recipient)
)
select *, case when family not like 'prebid.js/%' then 'sdk' when shared then 'openrtb' else 'bespoke' end as kind
from unit left join shared using (family) order by subject, recipient, type, consent_state
"""


def labelled(rows: pa.Table, labels: Path, group: str) -> pa.Table:
    """Return LABELLED: CLAIM_ROWS joined with the LABELS (a folder) of the sites in GROUP, both sides in full.

    Claims about sites of other groups are left out; those about sites without any label stay, as `unlabelled`.
    Raises BadInput when the labels are missing, lack a column, or have nothing in GROUP.
    """
    file = labels / "labels.parquet"
    if not file.is_file():
        raise BadInput("there is no labels.parquet", where=labels.name, todo=_REMEDY)
    with duckdb.connect(":memory:", config={"threads": 1}) as engine:
        engine.register("rows", rows)
        try:
            columns = engine.sql("describe from read_parquet($file)", params={"file": str(file)}).fetchall()
        except duckdb.Error as why:
            raise BadInput(f"cannot be read ({type(why).__name__})", where=file.name, todo=_REMEDY) from None
        if missing := [name for name in _COLUMNS if name not in {column[0] for column in columns}]:
            raise BadInput(f"has no column {missing[0]}", where=file.name, todo=_REMEDY)
        mine = """select 1 from read_parquet($labels) where "group" = $part limit 1"""
        asked = {"labels": str(file), "part": group}
        if not engine.sql(mine, params=asked).fetchall():
            raise BadInput(f"has no label in group '{group}'", where=file.name, todo=_REMEDY)
        found = engine.sql(_UNITS, params=asked).to_arrow_table()
    return check(found, LABELLED, "detect.labelled")
