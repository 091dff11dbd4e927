"""What is known of claims, as a table to learn from and to hold judges against."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core import modelfile
from consentinel.core.contracts import Judge
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.run import Outcome, Run
from consentinel.core.tables import check
from consentinel.detect.claiming import claims_by_repeats
from consentinel.detect.evaluating import figures, keep, spoken, units
from consentinel.detect.held_out_types import HeldOutTypes
from consentinel.detect.judges._claim_scored import KIND
from consentinel.detect.judges._rows import CLAIM_ROWS
from consentinel.detect.label_model import SILENT, learn
from consentinel.detect.labelled import LABELLED, labelled
from consentinel.detect.modelled import PURPOSES
from consentinel.detect.policy import load
from consentinel.detect.shelves import JUDGES
from consentinel.detect.sightings import Sighter

__all__ = ["KNOWN", "TRAINING", "assumed", "evaluate", "known_claims", "teachers", "training_table", "votes"]

KNOWN = pa.schema([*LABELLED, ("repeats", pa.int32())])  # how many repeats of a visit were looked at; null: all
TRAINING = pa.schema([*KNOWN, ("p_there", pa.float64())])  # how probable it is that the data went there; null: open
_TRACKING = ("ad", "analytics", "marketing", "social")
_SURE, _WEAK, _EVERYWHERE = 0.9, 0.6, 0.5


def assumed(scan: Path) -> dict[str, object]:
    """Return what the scan in the folder SCAN rests on, as its run.json says; nothing where it has none."""
    file = scan / "run.json"
    try:
        told = json.loads(file.read_bytes()).get("assumed", {}) if file.is_file() else {}
    except ValueError:
        raise BadInput("is no JSON", where=file.name, todo="Scan again") from None
    return dict(told)


def teachers() -> list[str]:
    """Return who votes on claims, in the order of the columns of `votes`."""
    return ["filter list", "entity map", "recognisers", "planted values", "steadiness"]


def votes(table: pa.Table) -> np.ndarray:
    """Return what each teacher says of LABELLED rows, shape (n, teachers): 1 yes, 0 no, SILENT."""
    p, spread, steady = (
        pc.fill_null(table[name].cast(pa.float64()), 0.0).to_numpy()
        for name in ("p_type", "spread", "stable_over_visits")
    )
    texts = (np.array(table[name].to_pylist(), object) for name in ("purpose", "category", "proof"))
    purpose, category, proof = texts
    nothing = np.full(table.num_rows, SILENT)
    return np.column_stack(
        [
            np.where(np.isin(category, _TRACKING), 1, nothing),
            np.where(purpose == "advertising", 1, np.where(np.isin(purpose, ("hosting", "functional")), 0, nothing)),
            np.where(p >= _SURE, 1, np.where(p < _WEAK, 0, nothing)),
            np.where(proof == "P0", 1, nothing),
            np.where((steady >= 1) & (spread >= _EVERYWHERE), 0, nothing),
        ]
    )


def training_table(table: pa.Table) -> tuple[pa.Table, str]:
    """Return TRAINING of KNOWN rows and a sentence about the teachers.

    Where labels know site and type they say whether the data went there; elsewhere the label model does, which learns
    from both.
    """
    seen, truth = table["seen"].to_numpy(zero_copy_only=False), np.array(table["truth"].to_pylist(), object)
    p = np.where(np.isin(truth, ("yes", "no", "no_signal")), 1.0, np.where(truth == "absent", 0.0, np.nan))
    told = f"{int((seen & np.isfinite(p)).sum()):,} claims with labels"
    weak = seen & (truth == "unlabelled")
    if weak.any():
        known = np.where(np.isfinite(p), p, SILENT)[seen]
        learnt = learn(votes(table.filter(pa.array(seen))), known)
        p[weak] = learnt.p[weak[seen]]
        said = ", ".join(
            f"{name} {yes:.2f}/{no:.2f}"
            for name, yes, no in zip(teachers(), learnt.sensitivity, learnt.specificity, strict=True)
        )
        told += f"; {int(weak.sum()):,} by the label model (right about a yes / a no: {said})"
    p[~seen] = np.nan
    return check(table.append_column("p_there", pa.array(p, mask=np.isnan(p))), TRAINING, "detect.train"), told


def evaluate(
    run: Run, visits: Path, *, labels: Path, judge: str, model: Path | None, group: str, policy: Path | None,
    region: str, seed: int,
) -> Outcome:  # fmt: skip
    """Judge the claims of a scan and keep what the LABELS of GROUP make of it."""
    part = JUDGES.take(judge)
    if part.JUDGES != "claim":
        raise UsageError(f"--judge {judge} judges a {part.JUDGES}; name a judge of claims, for example claim_model")
    opened = part.open(modelfile.load(run.read(model), kind=KIND) if model else None)
    purposes = JUDGES.take(PURPOSES).open(None) if "purpose_model" in assumed(visits) else None
    table = known_claims(run, visits, labels, policy, region, group, purposes=purposes)
    said = opened.judge(table.filter(table["seen"]).select(CLAIM_ROWS.names))
    found = units(table, table["seen"].to_numpy(zero_copy_only=False), said)
    run.assume(judge=opened.version, group=group)
    kept = keep(run, found, "evaluated", f"{judge} on the {group} sites", seed=seed)
    return Outcome(run, 0, kept, f"{judge}, {group} sites:\n{spoken(figures(found, seed=seed))}\n")


def known_claims(
    run: Run, scan: Path, labels: Path, policy: Path | None, region: str, group: str,
    types: HeldOutTypes | None = None, purposes: Judge | None = None, first: Sequence[int | None] = (None,),
) -> pa.Table:  # fmt: skip
    """Return KNOWN: LABELLED for the claims of the folder SCAN, once for each entry of FIRST, see claims_by_repeats.

    TYPES tell anew which types its data have, and PURPOSES what recipients are for that the entity map does not know.
    """
    sighter = Sighter(load(run.read(policy) if policy else None, region=region), region=region)
    views = claims_by_repeats(run, scan, sighter, first, types, purposes)
    if (labels / "labels.parquet").is_file():
        run.read(labels / "labels.parquet")
    found = []
    for most, rows in zip(first, views, strict=True):
        known = labelled(rows, labels, group)
        if most is not None:  # what needs more repeats to be seen is no miss of these
            known = known.filter(known["seen"])
        found.append(known.append_column("repeats", pa.array([most] * known.num_rows, pa.int32())))
    return pa.concat_tables(found)
