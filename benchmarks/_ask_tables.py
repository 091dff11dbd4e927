"""Tables that questions are asked about in the claim `ask_questions`: incidents of HHS, findings and audits by seed."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks._claim import ROOT
from consentinel.core.tables import AUDITS, FINDINGS, check

__all__ = ["COLUMNS", "audits", "findings", "hhs", "incidents"]

COLUMNS = (
    "subject=entity,region=state,category=breach_type,people=individuals_affected,opened=submitted,text=description,"
    "status=status"
)
DAY = 86_400_000_000
RULES = ("advertising_id", "coarse_location", "contact_data", "device_identifier", "fingerprint_surface", "gpc_ignored",
         "precise_location", "storage_before_consent", "tcf_denied")  # fmt: skip
SITES = tuple(f"{name}.example" for name in ("shop", "news", "bank", "travel", "health", "games", "music", "forum"))
RECIPIENTS = {
    "ads.example": ("Adwide", "advertising"), "metrics.example": ("Metricly", "analytics"),
    "pixel.example": ("Pixelgrove", "advertising"), "tags.example": ("Tagworks", "tag_manager"),
    "cdn.example": ("Fastedge", "cdn"), "social.example": ("Chatterhall", "social"),
}  # fmt: skip
TYPES = ("device.advertising_id", "location.precise", "location.coarse", "contact.email", "contact.phone", "device.id",
         "user.id")  # fmt: skip


def hhs() -> Path:
    """Return the file of HHS breaches, or end with what to set."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "understand"
    file = shared / "hhs_breaches" / "records.parquet"
    if not file.is_file():
        raise SystemExit("no hhs_breaches: set CONSENTINEL_SHARED_DATA to the folder that has it under understand/")
    return file


def incidents(out: Path) -> Path:
    """Ingest the HHS breaches by the product into OUT and return it."""
    from consentinel.understand import ingest

    with tempfile.TemporaryDirectory() as keys:
        ingest([hhs()], out=out, columns=COLUMNS, project_key_file=Path(keys) / "key")
    return out


def findings(seed: int = 8, n: int = 600) -> pa.Table:
    """Return N made findings of a year of scans, all parts drawn independently by SEED."""
    draw = np.random.default_rng(seed)

    def of(values: Any, p: Any = None) -> list[Any]:
        return [values[i] for i in draw.choice(len(values), n, p=p)]

    recipients = of(tuple(RECIPIENTS), [0.3, 0.25, 0.15, 0.1, 0.1, 0.1])
    first = 1_735_689_600_000_000 + draw.integers(0, 365, n) * DAY + draw.integers(0, DAY, n)
    visits = draw.integers(1, 40, n)
    counts = visits * draw.integers(1, 12, n)
    subjects = draw.integers(1, 5000, n)
    unknown = draw.random(n) < 0.05
    rows = {
        "run_id": ["made"] * n,
        "finding_id": [f"f{i:04d}" for i in range(n)],
        "fingerprint": [f"{draw.integers(1 << 60):016x}" for _ in range(n)],
        "rule": of(RULES),
        "rule_version": ["1"] * n,
        "subject": of(SITES, [0.25, 0.2, 0.15, 0.1, 0.1, 0.1, 0.05, 0.05]),
        "scenario": of(("no_action", "accept", "reject", "gpc"), [0.4, 0.2, 0.25, 0.15]),
        "recipient": recipients,
        "owner": [None if u else RECIPIENTS[r][0] for r, u in zip(recipients, unknown, strict=True)],
        "category": [RECIPIENTS[r][1] for r in recipients],
        "party": of(("third", "first"), [0.9, 0.1]),
        "type": of(TYPES),
        "keys": [["uid"]] * n,
        "carrier": of(("query", "cookie", "json", "header", "path"), [0.4, 0.3, 0.15, 0.1, 0.05]),
        "purpose": of(("advertising", "analytics", "functional", None), [0.4, 0.3, 0.2, 0.1]),
        "consent_state": of(("denied", "before", "granted", "opted_out", "none"), [0.25, 0.3, 0.25, 0.1, 0.1]),
        "consent_source": of(("tcf", "gpp", "gpc", "cmp")),
        "basis": ["ePrivacy Art. 5(3)"] * n,
        "outcome": of(("potential violation", "allowed", "no signal"), [0.6, 0.3, 0.1]),
        "proof": of(("P0", "P1", "P2", "P3", "P4"), [0.15, 0.35, 0.15, 0.25, 0.1]),
        "p": draw.uniform(0.5, 1.0, n),
        "severity": of(("low", "medium", "high", "critical"), [0.3, 0.4, 0.2, 0.1]),
        "first": first,
        "last": first + draw.integers(0, 60, n) * DAY,
        "n": counts,
        "n_visits": visits,
        "n_subjects": [None if i % 5 == 0 else int(subjects[i]) for i in range(n)],
        "evidence_ids": [["e"]] * n,
        "location": [""] * n,
        "line": [1] * n,
        "col": [1] * n,
        "explanation": ["made"] * n,
    }
    return check(pa.table({name: pa.array(rows[name], FINDINGS.field(name).type.value_type
                                          if pa.types.is_dictionary(FINDINGS.field(name).type)
                                          else FINDINGS.field(name).type) for name in FINDINGS.names}),
                 FINDINGS, "made findings")  # fmt: skip


def audits(seed: int = 8, n: int = 120) -> pa.Table:
    """Return N made measures of an audit of a model."""
    draw = np.random.default_rng(seed)
    probes = {"group": "fair", "intersectional": "fair", "trees": "explain", "noise": "robust", "membership": "private"}
    picked = [tuple(probes)[i] for i in draw.integers(0, len(probes), n)]
    slices = [f"{name}={value}" for name in ("sex", "age") for value in ("F", "M", "old", "young")]
    values, known = draw.uniform(-0.4, 0.4, n), draw.uniform(size=n) > 0.15
    q = np.where(known & (draw.uniform(size=n) > 0.2), draw.uniform(0, 1, n), np.nan)
    verdicts = np.where(
        ~known, "not measured", np.where(np.isnan(q), "", np.where(q <= 0.05, "effect", "no effect shown"))
    )
    rows = {
        "run_id": ["made"] * n, "pillar": [probes[one] for one in picked], "probe": picked,
        "metric": [f"metric_{i}" for i in range(n)], "slice": [slices[i] for i in draw.integers(0, len(slices), n)],
        "against": [""] * n, "value": [float(v) if k else None for v, k in zip(values, known, strict=True)],
        "low": [float(v) - 0.1 if k else None for v, k in zip(values, known, strict=True)],
        "high": [float(v) + 0.1 if k else None for v, k in zip(values, known, strict=True)],
        "level": [0.95] * n, "n": draw.integers(100, 5000, n).tolist(), "method": ["made"] * n, "null": [0.0] * n,
        "p": [None if np.isnan(one) else float(one) for one in q],
        "q": [None if np.isnan(one) else float(one) for one in q],
        "detectable": [0.1] * n, "better": ["zero"] * n, "verdict": verdicts.tolist(), "why": ["made"] * n,
    }  # fmt: skip
    rows["metric"][0], rows["slice"][0] = "demographic_parity_difference", "sex=F"
    rows["value"][0] = rows["value"][0] if rows["value"][0] is not None else 0.125
    listed = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]
    return check(pa.Table.from_pylist(listed, AUDITS), AUDITS, "made audits")
