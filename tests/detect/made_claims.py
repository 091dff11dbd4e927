"""A scan of an invented site with labels: identifiers that are there, and constants that only look like data."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core.tables import FINDINGS, TRAFFIC
from tests.detect.made_visits import DENIED, SITE, T0, consent, data, visits

FAMILIES = 24
VISITS = 6
STRANGER = "stranger.test"  # a site without labels


def scan(folder: Path) -> Path:
    """Write the tables of a finished scan into FOLDER and return it."""
    folder.mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    for visit in range(VISITS):
        for family in range(FAMILIES):
            to = {"visit_id": f"v{visit}", "recipient": f"family{family}.test", "seq": family, "time": T0 + family}
            own = 1000 * visit + family
            rows.append(to | {"type": "device.id", "key": "vid", "digest": 10 + visit, "type_p": 0.6 + family % 2 / 5})
            rows.append(
                to | {"type": "user.id", "key": "uid", "digest": 5, "type_p": 0.6 + family % 3 / 9, "length": 2}
            )
            rows.append(
                to | {"type": "device.screen", "key": "w", "digest": 50_000 + own, "length": 4, "seq": 100 + own}
            )
    rows.append({"visit_id": "s", "type": "device.id", "key": "vid", "digest": 1, "recipient": "family1.test"})
    at = [{"visit_id": f"v{n}", "started": T0, "repeat": n} for n in range(VISITS)] + [
        {"visit_id": "s", "subject": STRANGER}
    ]
    told = [DENIED | {"visit_id": row["visit_id"]} for row in at]
    tables = {"visits": visits(*at), "data": data(*rows), "consent": consent(*told), "findings": FINDINGS.empty_table()}
    tables["traffic"] = TRAFFIC.empty_table()
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def labels(folder: Path, group: str = "train") -> Path:
    """Write labels of that scan into FOLDER and return it: identifiers and screens are there, account ids are not."""
    folder.mkdir(parents=True)
    plain = {
        "site": SITE, "group": group, "consent_state": "denied", "purpose": "advertising", "planted": False,
        "violation": "yes", "why": "sent though refused",
    }  # fmt: skip
    rows = [
        plain | {
            "component": f"c{n}", "family": f"prebid.js/f{n}", "recipient": f"api.family{n}.test",
            "recipient_domain": f"family{n}.test", "type": kind,
        }
        for n in range(FAMILIES) for kind in ("device.id", "device.screen")
    ]  # fmt: skip
    rows.append(rows[0] | {"type": "contact.email"})  # nobody saw it
    rows.append(rows[0] | {"type": "contact.phone", "violation": "undecidable"})
    rows.append(rows[0] | {"type": "user.id", "recipient": f"www.{SITE}", "purpose": "first_party", "violation": "no"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "labels.parquet")
    return folder
