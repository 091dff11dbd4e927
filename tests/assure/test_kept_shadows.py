"""Shadow models of a stopped audit: those that are done are not trained again, and the numbers come out the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel.assure.kept_probes import KeptProbes
from consentinel.assure.kept_shadows import KeptShadows
from consentinel.assure.private import membership
from consentinel.core.model_contracts import Model, Trainer
from tests.assure.made_private import PLAN, classifier


@dataclass
class Stopping:
    """A trainer that is stopped after so many trainings; `seeds` are those that it was asked for."""

    inner: Trainer
    most: int
    kind: str = "tabular"
    seeds: list[int] = field(default_factory=list)

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Model:
        """Return what the trainer inside makes of ROWS."""
        if len(self.seeds) == self.most:
            raise KeyboardInterrupt
        self.seeds.append(seed)
        return self.inner.train(rows, seed=seed, tickets=tickets)


def test_a_stopped_probe_goes_on_and_says_the_same(tmp_path: Path) -> None:
    subject, plan = classifier(), replace(PLAN, shadows=8)
    assert subject.trainer is not None
    whole = list(membership.probe(subject, plan))
    kept = KeptProbes(tmp_path, "key").shadows("private", "membership", fresh=False)
    first, second = Stopping(subject.trainer, 5), Stopping(subject.trainer, 100)
    with pytest.raises(KeyboardInterrupt):
        list(membership.probe(replace(subject, trainer=first, shadows=kept), plan))
    assert len(list((tmp_path / ".probes" / "private.membership").glob("*.parquet"))) == 5
    assert list(membership.probe(replace(subject, trainer=second, shadows=kept), plan)) == whole
    assert sorted(first.seeds + second.seeds) == list(range(plan.seed + 1, plan.seed + 9))
    kept.forget()
    assert not (tmp_path / ".probes" / "private.membership").exists()


def test_what_is_damaged_or_of_another_audit_is_not_read(tmp_path: Path) -> None:
    kept, signals = KeptShadows(tmp_path, "key"), np.arange(6.0).reshape(2, 3) / 7
    assert kept.load(0) is None
    kept.keep(0, signals)
    found = kept.load(0)
    assert found is not None
    assert (found == signals).all()
    assert KeptShadows(tmp_path, "other").load(0) is None
    assert KeptShadows(tmp_path, "key", fresh=True).load(0) is None
    (tmp_path / "00000.parquet").write_bytes(b"PAR1")
    assert kept.load(0) is None
    pq.write_table(pa.table({"signal": [1.0]}).replace_schema_metadata({"key": "key", "shape": "2,3"}),
                   tmp_path / "00000.parquet")  # fmt: skip
    assert kept.load(0) is None
