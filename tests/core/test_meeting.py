"""Doors between rooms: each leads to what it promises, by the names that stand in the source."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import meeting
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.model_contracts import Model, Trainer
from consentinel.models.rows import INTERACTIONS


def test_every_name_that_it_calls_is_there() -> None:
    tree = ast.parse(inspect.getsource(meeting))
    named = [
        (ast.literal_eval(node.value.args[0]), node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) == "import_module"
    ]  # fmt: skip
    assert len(named) == len(meeting.__all__)
    assert all(callable(getattr(import_module(module), name)) for module, name in named)


def test_a_trainer_makes_a_model_that_is_opened_again(tmp_path: Path) -> None:
    trainer = meeting.trainer("recommend/popularity")
    assert isinstance(trainer, Trainer)
    rows = pa.table({"user": ["a", "b"], "item": ["x", "x"], "time": pa.nulls(2, pa.int64()),
                     "weight": pa.nulls(2, pa.float32())}).cast(INTERACTIONS)  # fmt: skip
    file = trainer.train(rows, seed=0).save(tmp_path / "m.safetensors")
    assert isinstance(meeting.opened_model(file), Model)
    with pytest.raises(UsageError):
        meeting.trainer("recommend/nothing")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(BadInput):
        meeting.opened_model(tmp_path / "bad.safetensors")


def test_rows_and_the_auditor_come_through(tmp_path: Path) -> None:
    (tmp_path / "log.inter").write_text("user_id:token\titem_id:token\na\tx\n")
    assert meeting.read_rows(tmp_path / "log.inter").to_pylist() == [{"user": "a", "item": "x"}]
    found = meeting.canary_auditor()(np.zeros(64), np.arange(64) % 2 == 0, claimed=1.0)
    assert found.lower_bound_epsilon == 0
