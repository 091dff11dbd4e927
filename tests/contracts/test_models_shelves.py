"""One examination for every part on every shelf of models: new parts are picked up by themselves."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import contracts, modelfile
from consentinel.core.errors import BadInput, BudgetRefused, ContractBroken, MissingExtra, UsageError
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import created, opened
from consentinel.core.model_contracts import Model, Trainer
from consentinel.core.run import Run
from consentinel.models import kept, shelves
from consentinel.models.asked import settings, told
from consentinel.models.paying import Payer, paid
from consentinel.models.private.paid import PrivateTrainer
from tests.models.made_rows import Made, made, small

PARTS = [f"{shelf}/{name}" for shelf, parts in kept.SHELVES.items() for name in parts.names()]
KINDS = {
    "ads": {"tabular"}, "graph": {"graph", "ranking", "recsys"}, "rank": {"ranking"}, "recommend": {"recsys"},
    "text": {"text"}, "users": {"recsys"}, "vision": {"vision", "ranking"},
}  # fmt: skip
SEED = 3


@dataclass(frozen=True)
class Trained:
    """A part after its training, with the rows that it takes, and how often it can be trained again."""

    part: Any
    model: Model
    rows: Made
    answer: pa.Table


def ready(named: str) -> tuple[Any, Trainer]:
    """Return the part NAMED and its trainer with small settings."""
    part = kept.part(named)[2]
    return part, part.trainer(settings(part.SETTINGS, small(part.SETTINGS), named))


def train(trainer: Trainer, rows: pa.Table, folder: Path, seed: int = SEED) -> Model:
    """Train, with a ledger of its own in FOLDER that pays where the trainer is private."""
    if not isinstance(trainer, PrivateTrainer):
        return trainer.train(rows, seed=seed)
    ask = trainer.ask(rows)
    where = str(folder / "ledger.sqlite")
    created(where)
    account = Account("rows", ask.unit, "2026")
    with opened(where) as book:
        book.grant(account, 10**8, delta=Fraction(1, 10**6))
    payer = Payer(where, None, None, "rows", "2026", "test", "contract")
    with Run.open("models.train", folder / "run") as run, paid(run, trainer, rows, payer) as (armed, tickets):
        return armed.train(rows, seed=seed, tickets=tickets)


@cache
def trained(named: str, folder: Path) -> Trained:
    """Train the part NAMED on the first form of rows of its shelf that it takes."""
    part, trainer = ready(named)
    refused: list[str] = []
    for rows in made(named.partition("/")[0]):
        try:
            model = train(trainer, rows.learn, Path(mkdtemp(dir=folder)))
        except MissingExtra as why:
            pytest.skip(f"{named} is not examined: {why}")
        except (UsageError, BadInput, ContractBroken) as why:
            refused.append(str(why))
            continue
        return Trained(part, model, rows, model.predict(rows.ask))
    raise AssertionError(f"{named} takes no form of the rows of its shelf: {refused}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


@pytest.fixture
def done(named: str, folder: Path) -> Trained:
    return trained(named, folder)


def texts(rows: pa.Table, name: str) -> list[str]:
    return rows[name].cast(pa.string()).to_pylist()


def test_every_shelf_of_the_room_is_examined() -> None:
    assert set(KINDS) == set(kept.SHELVES) == {name.lower() for name in shelves.__all__}
    assert all(made(shelf) for shelf in KINDS)


@pytest.mark.parametrize("named", PARTS)
def test_it_keeps_its_protocol(named: str) -> None:
    part, trainer = ready(named)
    assert isinstance(part, contracts.TrainerPart)
    assert isinstance(trainer, Trainer)
    assert trainer.kind in KINDS[named.partition("/")[0]]


@pytest.mark.parametrize("named", PARTS)
def test_its_settings_have_defaults_help_and_ranges(named: str) -> None:
    kind = kept.part(named)[2].SETTINGS
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    plain = settings(kind, "", named)
    for one in dataclasses.fields(kind):
        assert one.metadata["help"], one.name
        number = isinstance(one.default, int | float) and not isinstance(one.default, bool)
        assert not number or {one.metadata["low"], one.metadata["high"]} != {None}, f"{one.name} has no range"
    text = ",".join(f"{name}={value}" for name, value in told(plain).items() if value)
    assert settings(kind, text, named) == plain


@pytest.mark.parametrize("named", PARTS)
def test_it_answers_in_the_form_of_its_kind(named: str, done: Trained) -> None:
    answer, ask = done.answer, done.rows.ask
    score = np.asarray(answer["score"])
    assert answer.schema.field("score").type == pa.float64()
    assert np.isfinite(score).all()
    if done.model.kind in ("recsys", "ranking"):
        assert {"query", "item"} <= set(answer.column_names)
        check_ranking(texts(answer, "query"), texts(answer, "item"), score, done)
    else:
        assert answer.num_rows == ask.num_rows
        least = -1 if "effect" in (done.part.__doc__ or "") else 0  # of a treatment, or a probability
        assert ((score >= least) & (score <= 1)).all()
        check_classes(answer, score, done)


def check_ranking(query: Sequence[str], item: Sequence[str], score: Any, done: Trained) -> None:
    """Best first within a query, queries in the order asked, each item once, nothing seen, at most k."""
    assert len(query) > 0
    assert len(set(zip(query, item, strict=True))) == len(query)
    runs = [q for n, q in enumerate(query) if n == 0 or query[n - 1] != q]
    asked = list(dict.fromkeys(texts(done.rows.ask, "query"))) if "query" in done.rows.ask.column_names else runs
    assert runs == asked
    same = np.array(query[1:]) == np.array(query[:-1])
    assert (np.diff(score)[same] <= 1e-12).all()
    if "k" in done.rows.ask.column_names:
        most = {q: k or 20 for q, k in zip(texts(done.rows.ask, "query"), done.rows.ask["k"].to_pylist(), strict=True)}
        assert all(query.count(q) <= most[q] for q in asked)
    if done.model.kind == "recsys":
        seen = set(zip(texts(done.rows.learn, "user"), texts(done.rows.learn, "item"), strict=True))
        assert not seen & set(zip(query, item, strict=True))


def check_classes(answer: pa.Table, score: Any, done: Trained) -> None:
    """Labels that were learned, and probabilities that agree with the score."""
    learned = {str(label) for label in done.rows.learn["label"].to_pylist() if label is not None}
    assert set(texts(answer, "label")) <= learned
    if "probabilities" in answer.column_names:
        table = np.array(answer["probabilities"].to_pylist())
        assert table.shape == (answer.num_rows, len(learned))
        assert table.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert table.max(axis=1) == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("named", PARTS)
def test_equal_rows_and_seed_give_an_equal_model(named: str, done: Trained) -> None:
    trainer = ready(named)[1]
    if isinstance(trainer, PrivateTrainer):
        pytest.skip("its noise cannot be seeded, and must not be")
    again = trainer.train(done.rows.learn, seed=SEED)
    assert again.predict(done.rows.ask).equals(done.answer)


@pytest.mark.parametrize("named", PARTS)
def test_a_saved_model_answers_the_same(named: str, done: Trained, tmp_path: Path) -> None:
    path = done.model.save(tmp_path / "model.safetensors")
    assert path.is_file()
    file = modelfile.load(path, kind=f"models.{named.replace('/', '.')}")
    assert done.part.load(file).predict(done.rows.ask).equals(done.answer)
    assert done.part.load(file).kind == done.model.kind


@pytest.mark.parametrize("named", PARTS)
def test_it_does_not_load_another_model(named: str, done: Trained, tmp_path: Path) -> None:
    empty = modelfile.ModelFile("models.none", "1", "test", {})
    with pytest.raises(BadInput):
        done.part.load(empty)
    damaged = modelfile.ModelFile(f"models.{named.replace('/', '.')}", "1", "test", {})
    with pytest.raises(BadInput):
        done.part.load(damaged)


def spoilt(array: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may have become of an ARRAY in a file, with a word for it; None where it is gone."""
    yield "gone", None
    yield "half", array[: len(array) // 2] if array.ndim else array.reshape(1, 1)
    yield "of another type", array.astype(np.float64 if array.dtype != np.float64 else np.int64)
    if array.dtype.kind == "f" and array.size:
        yield "not finite", np.full_like(array, np.nan)


@pytest.mark.parametrize("named", PARTS)
def test_a_file_with_a_spoilt_array_is_refused_in_plain_words(named: str, done: Trained, tmp_path: Path) -> None:
    path = done.model.save(tmp_path / "model.safetensors")
    file = modelfile.load(path, kind=f"models.{named.replace('/', '.')}")
    for name, array in file.arrays.items():
        for what, wrong in spoilt(array):
            others = {key: kept_ for key, kept_ in file.arrays.items() if key != name}
            arrays = others if wrong is None else others | {name: wrong}
            try:  # another error than these would end in a traceback
                done.part.load(dataclasses.replace(file, arrays=arrays)).predict(done.rows.ask)
            except (BadInput, UsageError, ContractBroken):
                continue
            assert what != "not finite", f"{name} is {what} and yet there is an answer"


@pytest.mark.parametrize("named", PARTS)
def test_a_plain_part_refuses_tickets_and_a_private_one_no_ticket(named: str, done: Trained) -> None:
    trainer = ready(named)[1]
    if isinstance(trainer, PrivateTrainer):
        with pytest.raises(BudgetRefused):
            trainer.train(done.rows.learn, seed=SEED)
    else:
        with pytest.raises(UsageError, match="ticket"):
            trainer.train(done.rows.learn, seed=SEED, tickets=[b"ticket"])


@pytest.mark.parametrize("named", PARTS)
def test_it_refuses_rows_that_teach_nothing(named: str, done: Trained, tmp_path: Path) -> None:
    trainer = ready(named)[1]
    for rows in (done.rows.learn.slice(0, 0), pa.table({"unknown": [1.0]})):
        with pytest.raises((UsageError, BadInput, ContractBroken)):
            train(trainer, rows, tmp_path)


@pytest.mark.parametrize("named", [name for name in PARTS if name.partition("/")[0] in ("ads", "text", "vision")])
def test_a_classifier_answers_each_row_by_itself(named: str, done: Trained) -> None:
    if done.model.kind == "ranking":
        pytest.skip("it ranks")
    alone = done.model.predict(done.rows.ask.slice(4, 1))
    assert np.asarray(alone["score"]) == pytest.approx(np.asarray(done.answer["score"])[4:5], abs=1e-5)
    assert texts(alone, "label") == texts(done.answer, "label")[4:5]
