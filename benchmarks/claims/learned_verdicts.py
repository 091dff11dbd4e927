"""Verdicts of the shipped models on code families that they never saw, nothing planted, beside three baselines.

A unit is one (site, recipient, data type, state of consent). Labels and claims are joined in full: what the scanner
never saw counts as judged "no", a claim that the labels do not have as one that is not there. Where no consent signal
was there, "no signal" is right and "violation" is wrong. Undecidable labels, and types that the labels never speak of,
are left out. Undecided claims stay in the denominator of coverage.
"""

import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from _claim import ROOT, write, write_interval
from _range import RANGE, SEED, labels, recordings, scan, scanned
from _renamed import rename
from consentinel.core.stats import Interval
from consentinel.core.tables import check
from consentinel.detect.evaluating import curve, figures, spoken, units
from consentinel.detect.judges._rows import CLAIM_ROWS
from consentinel.detect.labelled import labelled
from consentinel.detect.shelves import JUDGES

NAMES = (
    "learned_accuracy", "learned_accuracy_all", "learned_coverage", "learned_false_positives", "learned_precision",
    "learned_precision_rare", "learned_violations", "learned_accuracy_sdk", "learned_accuracy_openrtb",
    "learned_accuracy_bespoke", "learned_accuracy_families", "learned_verdicts_renamed",
)  # fmt: skip
INPUTS = ("runs/range/labels/labels.parquet", "src/consentinel/detect/data/models", "benchmarks/_renamed.py")
BASELINES = ("claim_rules", "claim_filter_list", "claim_logistic")
KINDS = {"sdk": "SDKs", "openrtb": "adapters that share a builder of OpenRTB requests", "bespoke": "bespoke adapters"}
# While developing: CONSENTINEL_GROUP=train looks at the sites that models learn from. The claim is about test.
GROUP = os.environ.get("CONSENTINEL_GROUP", "test")


def main() -> None:
    """Scan with models, hold all judges against the labels, and do it once more under other names."""
    folder = scanned(GROUP, planted=False, models="default")
    rows = check(pq.read_table(folder / "claims.parquet"), CLAIM_ROWS, "learned_verdicts")
    found = judged(rows, "claim_model")
    told = figures(found, seed=SEED)
    beside = "; ".join(
        f"{name} {figures(judged(rows, name), seed=SEED)['accuracy_all'].value:.4f}" for name in BASELINES
    )
    pq.write_table(curve(found, seed=SEED), folder / "curve.parquet")
    pq.write_table(found, folder / "units.parquet")
    print(spoken(told), f"\n  baselines, all decided: {beside}", flush=True)
    protocol = (
        f"{found.num_rows:,} units (site x recipient x type x state of consent), {GROUP} families, nothing planted"
    )
    keep(
        "learned_accuracy", told["accuracy_90"], f"the 90% that it is surest of; {protocol}; baselines on all: {beside}"
    )
    keep("learned_accuracy_all", told["accuracy_all"], f"every unit decided; {protocol}; baselines: {beside}")
    keep("learned_coverage", told["coverage"], f"decided by the model's own threshold; {protocol}")
    keep(
        "learned_false_positives",
        told["false_positives"],
        f"called a violation, of decided units that are none; {protocol}",
    )
    keep("learned_precision", told["precision"], f"violations among decided units called one; {protocol}")
    keep("learned_precision_rare", told["precision_rare"], f"the same, re-weighted to 1% violations; {protocol}")
    keep(
        "learned_accuracy_families", told["accuracy_families"], f"of decided units, mean over code families; {protocol}"
    )
    n = pc.sum(pc.equal(found["truth"], "yes")).as_py()
    write(
        "learned_violations",
        value=n,
        low=n,
        high=n,
        n=found.num_rows,
        protocol=f"labelled violations judged; {protocol}",
    )
    for kind, name in KINDS.items():
        part = figures(found.filter(pc.equal(found["kind"], kind)), seed=SEED)
        print(f"{name}:\n{spoken(part)}", flush=True)
        keep(f"learned_accuracy_{kind}", part["accuracy_90"], f"{name}: the 90% that it is surest of; {protocol}")
    under_other_names(found, protocol)


def judged(rows: pa.Table, judge: str) -> pa.Table:
    """Return UNITS of the labels of the group, judged by the part JUDGE."""
    table = labelled(rows, labels().parent, GROUP)
    seen = table["seen"].to_numpy(zero_copy_only=False)
    return units(
        table, seen, JUDGES.take(judge).open(None).judge(table.filter(pa.array(seen)).select(CLAIM_ROWS.names))
    )


def under_other_names(found: pa.Table, protocol: str) -> None:
    """Rename every host, site and path, scan and judge again, and keep how much accuracy moves."""
    here = RANGE / "renamed" / GROUP
    old = rename(recordings(GROUP), here)
    folder = scan(here, ROOT / "runs" / f"range-{GROUP}-renamed", "--models", "default")
    rows = check(pq.read_table(folder / "claims.parquet"), CLAIM_ROWS, "learned_verdicts")
    for name in ("subject", "recipient"):
        back = pa.array([old.get(text, text) for text in rows[name].to_pylist()], pa.string())
        rows = rows.set_column(rows.schema.get_field_index(name), name, back)
    again = judged(rows, "claim_model")
    moved = abs(accuracy(again) - accuracy(found))
    told = f"accuracy {accuracy(found):.4f} before, {accuracy(again):.4f} after; every unit decided; {protocol}"
    print(f"renamed: {told}", flush=True)
    write("learned_verdicts_renamed", value=moved, low=moved, high=moved, n=again.num_rows, protocol=told)


def accuracy(found: pa.Table) -> float:
    """Return the share of units that are judged right."""
    return float(np.mean(found["right"].to_numpy(zero_copy_only=False)))


def keep(name: str, got: Interval, protocol: str) -> None:
    """Keep an interval as the public number NAME."""
    told = f"{protocol}; interval clustered by component"
    write_interval(name, got, told)


if __name__ == "__main__":
    main()
