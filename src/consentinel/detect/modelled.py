"""What models say of a scan: a verdict on every claim, and what that changes in the findings.

Proof stays proof: planted values and randomised differences are not the model's to judge. A hint (P4) that a model
agrees with is told as P3 with the model's probability; one that it does not know of is undecided; one that it takes for
something else is left out of the findings, and stays in claims.parquet with the reason. So does a contradicted signal
(P1) where the model is decided that the data is something else: what is proven is the signal, not what a field holds.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from consentinel.core import modelfile
from consentinel.core.columns import floats, labels, relabel, values
from consentinel.core.contracts import Judge
from consentinel.core.errors import UsageError
from consentinel.core.modelfile import ModelFile, load
from consentinel.core.run import Run
from consentinel.core.tables import FINDINGS, check
from consentinel.detect.judges._claim_features import NOT_THERE
from consentinel.detect.judges._claim_rows import FLOOR
from consentinel.detect.judges._claim_scored import KIND, shipped
from consentinel.detect.judges._datum_linear import KIND as DATUM
from consentinel.detect.judges._datum_linear import SHIPPED
from consentinel.detect.judges._rows import ANSWER, CLAIM_ROWS, TYPES
from consentinel.detect.shelves import JUDGES
from consentinel.detect.watched import claims_drift, data_drift

__all__ = ["CLAIMS", "PURPOSES", "Candidates", "applied", "claim_judge", "datum_judge", "drifted", "purpose_judge"]

CLAIMS = pa.schema([*CLAIM_ROWS, ("verdict", pa.string()), *(f for f in ANSWER if f.name != "label")])
_PART = "claim_model"
PURPOSES = "purpose_model"  # the part that says what a recipient is for
_UNIT = ("subject", "recipient", "type", "consent_state")


@dataclass(frozen=True, slots=True)
class Candidates:
    """A judge of data that also names types below its own threshold, down to FLOOR: claims weigh them against the rest.

    A type that is missing here can be neither confirmed nor left undecided later; one too many can.
    """

    judge_of_data: Judge

    @property
    def version(self) -> str:
        """The version of the judge that is asked."""
        return self.judge_of_data.version

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return the answer of the judge with every type of at least FLOOR, the most probable first."""
        told = self.judge_of_data.judge(rows)
        p = np.column_stack([told[name].to_numpy() for name in TYPES]).reshape(rows.num_rows, len(TYPES))
        order = np.argsort(-p, axis=1, kind="stable")
        n = (p >= FLOOR).sum(axis=1)
        row = np.repeat(np.arange(len(p)), n)
        kinds = order[row, np.arange(len(row)) - np.repeat(np.cumsum(n) - n, n)]
        ends = pa.array(np.append(0, np.cumsum(n)).astype(np.int32))
        lists = {
            "types": pa.ListArray.from_arrays(ends, pa.array(TYPES).take(pa.array(kinds))),
            "types_p": pa.ListArray.from_arrays(ends, pa.array(p[row, kinds].astype(np.float32))),
        }
        return pa.table([lists.get(name, told[name]) for name in told.column_names], names=told.column_names)


def datum_judge(run: Run, models: str) -> Judge | None:
    """Return the shipped judge of data unless MODELS is "none"."""
    if models == "none":
        return None
    judge = JUDGES.take("datum_model").open(None)
    run.assume(datum_model=judge.version)
    return Candidates(judge)


def claim_judge(run: Run, models: str) -> tuple[Judge, ModelFile] | None:
    """Return the judge of claims that MODELS names, and its model: "default" (shipped), or a model file; else None.

    Raises UsageError when there is no such file, BadInput when it is no model of claims.
    """
    if models in ("none", "datum"):
        return None
    model = shipped(_PART)
    if models != "default":
        if not Path(models).is_file():
            raise UsageError(
                f"--models {Path(models).name}: no such file; there is: default, datum, none, or a file of `train`"
            )
        model = modelfile.load(run.read(Path(models)), kind=KIND)
    judge = JUDGES.take(model.card.get("part", _PART)).open(model)
    run.assume(models=judge.version)
    return judge, model


def purpose_judge(run: Run, models: str) -> Judge | None:
    """Return the shipped judge of purposes where MODELS names judges of claims too; else None."""
    if models in ("none", "datum"):
        return None
    judge = JUDGES.take(PURPOSES).open(None)
    run.assume(**{PURPOSES: judge.version})
    return judge


def drifted(run: Run, judged: ModelFile | None = None, claims: pa.Table | None = None) -> tuple[str, ...]:
    """Record how the traffic of RUN differs from what its models were trained on; return that in sentences.

    JUDGED is the model of claims, and CLAIMS what it said, where one was asked.
    """
    found = {"datum_model": data_drift(load(SHIPPED / "datum_model.model", kind=DATUM), run.out)}
    if judged is not None and claims is not None:
        found[judged.card.get("part", _PART)] = claims_drift(judged, claims.select(CLAIM_ROWS.names), claims)
    known = {name: drift for name, drift in found.items() if drift is not None}
    run.assume(drift={name: drift.told() for name, drift in known.items()})
    return tuple(drift.spoken(name) for name, drift in known.items())


def applied(findings: pa.Table, rows: pa.Table, judge: Judge) -> tuple[pa.Table, pa.Table, str]:
    """Return (FINDINGS as the JUDGE of claims leaves them, CLAIMS, a sentence about what changed).

    ROWS are the CLAIM_ROWS of the same scan.
    """
    said = check(judge.judge(rows), ANSWER, "detect.claims")
    claims = rows
    for name in CLAIMS.names[len(CLAIM_ROWS) :]:
        claims = claims.append_column(name, said["label" if name == "verdict" else name])
    claims = check(claims, CLAIMS, "detect.claims")
    units = zip(*(rows[name].to_pylist() for name in _UNIT), strict=True)
    place = {unit: at for at, unit in enumerate(units)}
    asked = zip(*(values(findings[name]) for name in _UNIT), strict=True)
    at = np.array([place.get(unit, -1) for unit in asked], np.int64)
    proof = np.array(values(findings["proof"]), object)
    hint = (at >= 0) & (proof == "P4")
    verdict, why = (
        np.array(said[name].to_pylist(), object)[at] if rows.num_rows else proof for name in ("label", "why")
    )
    undecided = said["undecided"].to_numpy(zero_copy_only=False)[at] if rows.num_rows else np.zeros(len(at), bool)
    away = (hint | ((at >= 0) & (proof == "P1"))) & ~undecided & (verdict == NOT_THERE)
    agreed, open_ = hint & ~undecided & ~away, hint & undecided
    p = np.where(agreed | open_, floats(said["p"])[at] if rows.num_rows else 0.0, floats(findings["p"]))
    told = [
        f"{text} Model (p {chance:.2f}): {reason}." if judged else text
        for text, chance, reason, judged in zip(
            findings["explanation"].to_pylist(), p.tolist(), why.tolist(), (agreed | open_).tolist(), strict=True
        )
    ]
    outcome = np.where(open_ & (np.array(values(findings["outcome"]), object) == "potential violation"), 1, 0)
    changed = {
        "proof": _relabelled(findings, "proof", np.where(agreed, "P3", proof)),
        "outcome": _relabelled(
            findings, "outcome", np.where(outcome == 1, "no signal", np.array(values(findings["outcome"]), object))
        ),
        "p": pa.array(p.astype(np.float32), mask=p == 0),
        "explanation": pa.array(told, pa.string()),
    }
    columns = [changed.get(field.name, findings[field.name]) for field in FINDINGS]
    left = pa.table(columns, schema=FINDINGS).filter(pa.array(~away))
    sentence = (
        f"model {judge.version}: {int(agreed.sum()):,} hints confirmed, {int(open_.sum()):,} left undecided, "
        f"{int(away.sum()):,} taken out as something else (claims.parquet has all {claims.num_rows:,} claims)"
    )
    return left, claims, sentence


def _relabelled(findings: pa.Table, name: str, new: np.ndarray) -> pa.DictionaryArray:
    known = list(dict.fromkeys([*labels(findings[name]), *(label for label in new.tolist() if label is not None)]))
    place = {label: at for at, label in enumerate(known)}
    return relabel(np.array([place.get(label, -1) for label in new.tolist()], np.int64), known)
