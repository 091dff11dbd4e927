"""The proving range as a judge: its labels beside what a scan, or anybody else, claims of the same recordings.

The labels come from range/labels, which shares no code with the package; here the two meet for the first time. A unit
is one (site, recipient, data type, state of consent): repeats, scenarios and fields never count.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from _claim import ROOT, write
from consentinel.core.resample import cluster_bootstrap, ratio

__all__ = [
    "PLANTED", "RANGE", "Unit", "labels", "precision", "recall", "recordings", "scan", "scanned", "units",
    "write_share",
]  # fmt: skip

RANGE = Path(os.environ.get("CONSENTINEL_RANGE", ROOT / "runs" / "range"))
PLANTED = (
    "contact.email", "contact.email_hashed", "contact.phone", "contact.phone_hashed", "contact.name", "user.id",
    "device.id", "device.advertising_id", "location.precise",
)  # fmt: skip
# Claims about the site's own storage and about the dialog: the labels speak of what was sent.
OTHER_RULES = ("storage_before_consent", "choice_not_kept")
SEED = 20


@dataclass(frozen=True, slots=True)
class Unit:
    """What the labels and a scan say of one thing; TRUTH is yes, no, no_signal, undecidable or absent."""

    site: str
    recipient: str
    type: str
    state: str
    component: str
    planted: bool
    truth: str
    claimed: bool
    proof: str


def labels() -> Path:
    """Return the label file of the range; raises SystemExit with the command that makes it."""
    file = RANGE / "labels" / "labels.parquet"
    if not file.is_file():
        raise SystemExit("the proving range is not built: run `make range`, or name its folder in CONSENTINEL_RANGE")
    return file


def scanned(group: str, *, planted: bool, models: str = "none") -> Path:
    """Scan the visits to the sites of GROUP (train, test) and return the folder with the tables."""
    out = ROOT / "runs" / f"range-{group}-{'planted' if planted else 'plain' if models == 'none' else 'models'}"
    here = RANGE / "groups" / group
    here.mkdir(parents=True, exist_ok=True)
    for old in here.iterdir():
        old.unlink()
    for file in recordings(group):
        (here / file.name).symlink_to(file)
    more = ["--planted", str(RANGE / f"planted-{group}.toml")] if planted else []
    return scan(here, out, "--models", models, *more)


def recordings(group: str) -> list[Path]:
    """Return the visits to the sites of GROUP."""
    there = sites(group)
    return sorted(f for f in (RANGE / "visits").glob("*.har.zst") if f.name.partition("~")[0] in there)


def scan(traffic: Path, out: Path, *more: str) -> Path:
    """Scan the folder TRAFFIC into OUT and return it; raises SystemExit when the scan fails."""
    command = [sys.executable, "-m", "consentinel", "detect", "scan", str(traffic), "--out", str(out)]
    code = subprocess.run([*command, "--formats", "json", *more], cwd=ROOT, stdout=subprocess.DEVNULL).returncode
    if code not in (0, 1, 3):
        raise SystemExit(f"the scan of the range ended with code {code}")
    return out


def sites(group: str) -> frozenset[str]:
    """Return the sites of GROUP that have labels."""
    query = f"""select distinct site from '{labels()}' where "group" = ?"""
    return frozenset(site for (site,) in duckdb.execute(query, [group]).fetchall())


_UNITS = """
with told as (
  select distinct cast(subject as varchar) as site, cast(recipient as varchar) as recipient,
    cast(type as varchar) as type, cast(consent_state as varchar) as state,
    cast(outcome as varchar) as outcome, cast(proof as varchar) as proof
  from read_parquet(?) where not list_contains(?, cast(rule as varchar)) and type is not null
), claim as (
  select site, recipient, type, state, bool_or(outcome = 'potential violation') as claimed, min(proof) as proof
  from told group by all
), hosts as (  -- a label names the host, a finding its registrable domain
  select l.*, coalesce(max(t.recipient), any_value(l.recipient_domain)) as domain
  from read_parquet(?) l
    left join (select distinct site, recipient from told) t
      on t.site = l.site and (l.recipient = t.recipient or l.recipient like '%.' || t.recipient)
  where l."group" = ? and l.purpose <> 'first_party' group by all
), truth as (
  select site, domain as recipient, type, consent_state as state, any_value(component order by component) as component,
    bool_or(planted) as planted,
    case when bool_or(violation = 'yes') then 'yes' when bool_or(why = 'no consent signal') then 'no_signal'
      when bool_or(violation = 'undecidable') then 'undecidable' else 'no' end as truth
  from hosts group by site, domain, type, consent_state
)
select site, recipient, type, state, coalesce(t.component, o.component, recipient), coalesce(t.planted, false),
  coalesce(t.truth, 'absent'), coalesce(c.claimed, false), coalesce(c.proof, '')
from truth t full join claim c using (site, recipient, type, state)
  left join (select recipient, any_value(component order by component) as component from truth group by recipient) o
    using (recipient)
order by all
"""


def units(folder: Path, group: str) -> list[Unit]:
    """Return every unit of GROUP that the labels or the findings in FOLDER know."""
    values = [str(folder / "findings.parquet"), list(OTHER_RULES), str(labels()), group]
    return [Unit(*row) for row in duckdb.execute(_UNITS, values).fetchall()]


def precision(found: Iterable[Unit]) -> tuple[float, float, float, int]:
    """Return the share of claimed units that are violations, with its interval, and their number."""
    return _share([(unit.truth == "yes", unit.component) for unit in found if unit.claimed])


def recall(found: Iterable[Unit]) -> tuple[float, float, float, int]:
    """Return the share of violations that are claimed, with its interval, and their number."""
    return _share([(unit.claimed, unit.component) for unit in found if unit.truth == "yes"])


def _share(rows: list[tuple[bool, str]]) -> tuple[float, float, float, int]:
    """A share with a 95% interval clustered by component (bootstrap; exact by clusters where nothing varies)."""
    if not rows:
        return float("nan"), float("nan"), float("nan"), 0
    good = np.array([[hit, 1.0] for hit, _ in rows])
    clusters = np.array([component for _, component in rows])
    n = len(np.unique(clusters))
    if good[:, 0].all():
        return 1.0, 0.025 ** (1 / n), 1.0, len(rows)
    if n < 2 or not good[:, 0].any():
        return float(good[:, 0].mean()), 0.0, 1.0, len(rows)
    found = cluster_bootstrap(good, clusters, ratio, seed=SEED)
    return found.value, found.low, found.high, len(rows)


def write_share(name: str, share: tuple[float, float, float, int], protocol: str) -> None:
    """Keep a share as the public number NAME."""
    value, low, high, n = share
    write(name, value=value, low=low, high=high, n=n, protocol=protocol)


def write_misses(found: Iterable[Unit], path: Path) -> None:
    """Write the units in which claim and truth differ as CSV, for people to look at."""
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(Unit.__dataclass_fields__)
        for unit in found:
            if unit.claimed != (unit.truth == "yes"):
                sheet.writerow([getattr(unit, name) for name in Unit.__dataclass_fields__])
