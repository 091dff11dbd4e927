"""Purposes of recipients told, for each, by a judge that never saw its family: what claims learn from."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from consentinel.core.tables import check
from consentinel.detect.held_out_types import joined
from consentinel.detect.judges._purpose_linear import PURPOSES, Weights
from consentinel.detect.judges._purpose_train import MODEL, held_out, threshold
from consentinel.detect.judges._rows import ANSWER, PURPOSE_ROWS
from consentinel.detect.parties import registrable

__all__ = ["HeldOutPurposes"]


@dataclass(frozen=True, slots=True)
class HeldOutPurposes:
    """Judges PURPOSE_ROWS by the judge of the fold that the recipient's family is in; recipients are domains.

    A recipient that the judges' table does not have is new to all of them.
    """

    folds: dict[str, int]
    judges: tuple[Weights, ...]
    version: str = "held-out folds"

    @classmethod
    def learnt(cls, table: pa.Table, seed: int) -> "HeldOutPurposes":
        """Return the judges that learn from TABLE (PURPOSE_TABLE). Raises BadInput for too few labels."""
        domains = [registrable(host) for host in table["recipient"].to_pylist()]
        families = table["family"].to_pylist()
        of = joined(sorted(set(zip(domains, families, strict=True))))  # families that share a domain are in one fold
        together = pa.array([of[family] for family in families], pa.string())
        table = table.set_column(table.schema.get_field_index("family"), "family", together)
        found = held_out(table, MODEL, seed)
        settled = (found.temperature, threshold(table, MODEL, found))
        judges = tuple(Weights.of(weights, bias, *settled) for weights, bias in found.models)
        return cls(dict(zip(domains, found.fold.tolist(), strict=True)), judges)

    def judge(self, rows: pa.Table) -> pa.Table:
        """Return ANSWER for PURPOSE_ROWS."""
        words = MODEL.see(check(rows, PURPOSE_ROWS, "detect.purposes"))
        fold = np.array([self.folds.get(name, 0) for name in rows["recipient"].to_pylist()], np.int64)
        p = np.zeros((rows.num_rows, len(PURPOSES)))
        least = np.zeros(rows.num_rows)
        for number, judge in enumerate(self.judges):
            at = np.flatnonzero(fold == number)
            p[at], least[at] = judge.probabilities(words.some(at)), judge.threshold
        sure = p.max(axis=1, initial=0.0)
        labels = pa.array([PURPOSES[at] for at in p.argmax(axis=1).tolist()], pa.string())
        nothing = pa.array([""] * rows.num_rows, pa.string())
        return pa.table([labels, pa.array(sure.astype(np.float32)), pa.array(sure < least), nothing], schema=ANSWER)
