"""What a datum is, told of code families that nobody looked at: macro-F1 over types, and calibration."""

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from _claim import ROOT, write_interval
from _range import RANGE, SEED, labels
from consentinel.detect.judges._datum_features import without
from consentinel.detect.judges._datum_linear import recognised
from consentinel.detect.judges._datum_scores import (
    calibration_error,
    f1,
    interval_of_calibration,
    interval_of_f1,
    macro_f1,
)
from consentinel.detect.judges._datum_table import build, targets
from consentinel.detect.judges._datum_train import HeldOut, held_out
from consentinel.detect.judges._rows import DATUM_ROWS, TYPES
from consentinel.detect.shelves import JUDGES, SURFACES

NAMES = ("datum_macro_f1", "datum_calibration_error")
INPUTS = ("runs/range/labels/leaves.parquet",)
TOLD = "distinct (family, key, carrier, shape, recogniser) with labels; interval clustered by family"


def judged(part: str, table: pa.Table) -> HeldOut:
    """Return what the judge PART that ships says of TABLE."""
    answers = JUDGES.take(part).open(None).judge(table.select(DATUM_ROWS.names).cast(DATUM_ROWS))
    p = np.stack([answers[kind].to_numpy() for kind in TYPES], axis=1)
    said = np.array([[kind in types for kind in TYPES] for types in answers["types"].to_pylist()])
    return HeldOut(p, said)


def found(group: str, table: pa.Table) -> dict[str, HeldOut]:
    """Return what each judge says: those that ship on the test part, held-out ones on the part they learned from."""
    blind = without(without(table, "key"), "type")
    if group == "train":
        rules = recognised(table)
        return {
            "the model": held_out(table, SEED),
            "recognisers alone": HeldOut(rules, rules > 0),
            "logistic regression of the last name": held_out(table, SEED, name_only=True),
            "the model with neutral key names, recognisers silent": held_out(blind, SEED),
        }
    return {
        "the model": judged("datum_model", table),
        "recognisers alone": judged("datum_rules", table),
        "logistic regression of the last name": judged("datum_logistic", table),
        "the model with neutral key names, recognisers silent": judged("datum_model", blind),
    }


def main(group: str = "test") -> None:
    """Judge the values of GROUP; the numbers are kept for the test part, the training part is shown only."""
    surfaces = [SURFACES.take(name) for name in SURFACES.names()]
    table = build(sorted((RANGE / "visits").glob("*.har.zst")), labels().parent, surfaces, group=group)
    split = json.loads((ROOT / "range" / "split.json").read_text("utf-8"))
    both = pc.is_in(table["family"], pa.array(split["shared"]))  # what every page has is of neither part
    table = table.filter(pc.invert(both))
    truth, family = targets(table), np.array(table["family"].to_pylist())
    told = found(group, table)
    print(f"{table.num_rows:,} data of {len(np.unique(family))} families, {group} part")
    for name, said in told.items():
        print(f"{name}: macro-F1 {macro_f1(truth, said.said):.4f}, calibration {calibration_error(truth, said.p):.4f}")
        scores = zip(TYPES, f1(truth, said.said), truth.yes.sum(axis=0), strict=True)
        print("  " + ", ".join(f"{kind} {score:.3f} ({n})" for kind, score, n in scores if n))
    if group != "test":
        return
    right = interval_of_f1(truth, told["the model"].said, family, seed=SEED)
    off = interval_of_calibration(truth, told["the model"].p, family, seed=SEED)
    beside = ", ".join(f"{name} {macro_f1(truth, said.said):.3f}" for name, said in list(told.items())[1:])
    for name, score, what in (
        (NAMES[0], right, f"mean F1 over the types that occur; {TOLD}; beside it, same rows: {beside}"),
        (NAMES[1], off, f"classwise calibration error, ten bins; {TOLD}"),
    ):
        write_interval(name, score, what, n=table.num_rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
