"""Whatever the room of models trains goes unchanged into an audit: its file, what it learned from, and its trainer."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from consentinel import assure, models
from consentinel.assure import results
from consentinel.core.errors import BadInput, ContractBroken, MissingExtra, UsageError
from consentinel.core.ledger_filter import Account
from consentinel.core.ledger_opening import created, opened
from consentinel.models import kept
from consentinel.models.private.paid import PrivateTrainer
from tests.models.made_rows import made, small

PARTS = [f"{shelf}/{name}" for shelf, parts in kept.SHELVES.items() for name in parts.names()]
RERANKED = "rank/fair_rerank"  # of rankings that are there already: nothing of them is held out
PROBES, SLOW = "fair,private,explain/linear_recommender,explain/trees,robust/missing", "text/"
PAID = "draws its noise from a paid ticket"
TOLD = (  # what made data are too small for, or what such a model is not for; anything else is a fault
    "canary people have 20 items", "canaries of a graph", "all rows have the same answer",
    "the model answers strangers with nothing", "nobody of the data has", "the rows have no column features", PAID,
)  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small products are faster on one thread."""
    torch = pytest.importorskip("torch", reason="parts are trained with the extra models")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(part: str, rows: pa.Table, home: Path) -> None:
    """Train PART on ROWS as a person would, with a ledger that pays where it is private."""
    settings = small(kept.part(part)[2].SETTINGS)
    trainer = kept.trainer(part, settings)[1]
    pays: dict[str, Any] = {}
    if isinstance(trainer, PrivateTrainer):
        ledger = str(home / "ledger.sqlite")
        created(ledger)
        with opened(ledger) as book:
            book.grant(Account("rows", trainer.ask(rows).unit, "2026"), 10**8, delta=Fraction(1, 10**6))
        pays = {"ledger": ledger, "dataset": "rows", "epoch": "2026", "principal": "test", "purpose": "audit"}
    pq.write_table(rows, home / "rows.parquet")
    split = "none" if part == RERANKED else "random"
    models.train(part, home / "rows.parquet", settings=settings, split=split, seed=3, out=home, **pays)  # type: ignore[arg-type]


def trained(part: str, home: Path) -> None:
    """Train PART on the first form of rows of its shelf that it takes."""
    for form in made(part.partition("/")[0]):
        rows = form.learn
        if part == RERANKED and "score" in rows.column_names:
            labelled = rows.append_column("label", pa.array([float(at % 3 == 0) for at in range(rows.num_rows)]))
            pq.write_table(labelled, home / "held_out.parquet")
            pq.write_table(rows, home / "training.parquet")
        try:
            train(part, rows, home)
        except MissingExtra as why:
            pytest.skip(f"{part} is not audited: {why}")
        except (UsageError, BadInput, ContractBroken):
            continue
        return
    raise AssertionError(f"{part} takes no form of the rows of its shelf")


@pytest.mark.parametrize("part", PARTS)
def test_it_goes_into_an_audit_with_its_file_its_rows_and_its_trainer(part: str, tmp_path: Path) -> None:
    trained(part, tmp_path)
    settings = small(kept.part(part)[2].SETTINGS)
    trainer = kept.trainer(part, settings)[1]
    got = assure.audit(
        str(tmp_path / "model.safetensors"), tmp_path / "held_out.parquet", kind=trainer.kind,  # type: ignore[arg-type]
        learned=tmp_path / "training.parquet", trainer=f"{part}:{settings}", shadows=4, draws=100, rows=20,
        probes=PROBES + ("" if part.startswith(SLOW) else ",explain/gradients"), out=tmp_path / "audit",
    )  # fmt: skip
    assert got.exit_code == 0
    found = results.opened(tmp_path / "audit")
    assert found.facts.way == "room"
    assert found.facts.rows > 0
    needs = " ".join(why for _, _, why in found.left)
    assert not any(word in needs for word in ("can be asked again", "--learned", "--trainer"))
    failed = [row for row in found.rows if "could not be measured" in row["why"]]
    assert not [row["why"] for row in failed if not any(words in row["why"] for words in TOLD)]
    private = isinstance(trainer, PrivateTrainer)
    assert private or not any(PAID in row["why"] for row in failed)
    assert "no label that the model gives" not in got.text


def test_pixels_of_any_number_type_are_the_same_pictures(tmp_path: Path) -> None:
    train("vision/small_cnn", made("vision")[0].learn, tmp_path)
    held = pq.read_table(tmp_path / "held_out.parquet")
    at = held.schema.get_field_index("image")
    answers = []
    for kind in (pa.uint8(), pa.int64(), pa.float64()):
        column = held["image"].combine_chunks().cast(pa.list_(kind))
        pq.write_table(held.set_column(at, "image", column), tmp_path / "pictures.parquet")
        got = assure.audit(
            str(tmp_path / "model.safetensors"), tmp_path / "pictures.parquet", kind="vision", probes="fair",
            learned=tmp_path / "training.parquet", out=tmp_path / str(kind),
        )  # fmt: skip
        answers.append(pq.read_table(got.tables["per_unit"]))
    assert answers[0].equals(answers[1])
    assert answers[0].equals(answers[2])


def test_links_and_pictures_are_told_what_is_missing(tmp_path: Path) -> None:
    train("vision/nearest", made("vision")[0].learn, tmp_path)
    asked: dict[str, Any] = {"kind": "ranking", "probes": "fair", "out": tmp_path / "a"}
    with pytest.raises(UsageError, match="give the collection with --learned"):
        assure.audit(str(tmp_path / "model.safetensors"), tmp_path / "held_out.parquet", **asked)
    train("graph/page_rank", made("graph")[0].learn, tmp_path)
    known = tmp_path / "training.parquet"
    with pytest.raises(UsageError, match="no link is left to be found"):
        assure.audit(str(tmp_path / "model.safetensors"), known, learned=known, **asked)
