"""SASRec: it learns an order, looks only back, comes out the same twice, and refuses what it cannot use."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'consentinel[models]'")

from consentinel.core import modelfile  # noqa: E402
from consentinel.core.errors import BadInput, UsageError  # noqa: E402
from consentinel.models.pieces.histories import sequences_of  # noqa: E402
from consentinel.models.pieces.torch_weights import tensors_of  # noqa: E402
from consentinel.models.recommend import sasrec  # noqa: E402
from consentinel.models.recommend._attention import encode, initial  # noqa: E402
from consentinel.models.recommend._learning import split  # noqa: E402
from tests.models.made_walks import ITEMS, questions, told, walks  # noqa: E402

SMALL = sasrec.SETTINGS(width=16, blocks=1, dropout=0.1, batch=16, rate=0.02, epochs=6, longest=8)
RING = [[f"i{at % ITEMS:02}" for at in range(start, start + 3)] for start in range(ITEMS)]


@pytest.mark.parametrize("how", [{"warm": False}, {"negatives": 0}, {"loss": "bce", "negatives": 1}])
def test_it_learns_the_ring(how: dict) -> None:
    model = sasrec.trainer(replace(SMALL, **how)).train(walks(120), seed=0)
    found = told(model.predict(questions(*(f"s{at}" for at in range(ITEMS)), k=1, history=RING)))
    right = sum(found[f"s{at}"] == [f"i{(at + 3) % ITEMS:02}"] for at in range(ITEMS))
    assert right >= ITEMS - 2


def test_a_place_sees_no_later_one_and_not_the_padding() -> None:
    weights = tensors_of(torch, initial(9, 6, 8, 2, 0), learn=False)
    rows = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 8]])
    made = encode(torch, weights, rows, torch.tensor([4, 4]), 2, 0.0)
    assert torch.equal(made[0, :3], made[1, :3])
    assert not torch.equal(made[0, 3], made[1, 3])
    short = encode(torch, weights, torch.tensor([[1, 2, 0, 0], [1, 2, 7, 5]]), torch.tensor([2, 2]), 2, 0.0)
    assert torch.equal(short[0, :2], short[1, :2])


def test_held_out_last_items_are_not_learnt_from() -> None:
    done = sequences_of(walks(40)).done
    kept, held = split(done, 2000, 0)
    assert len(held) == 4
    assert len(kept.items) == len(done.items) - 4
    assert (np.sort(kept.lengths)[:4] == 5).all()


def test_it_is_the_same_again_and_from_its_file(tmp_path: Path) -> None:
    asked = replace(SMALL, epochs=2)
    before = torch.random.get_rng_state()
    model = sasrec.trainer(asked).train(walks(), seed=5)
    assert torch.equal(before, torch.random.get_rng_state())
    who = questions("p001", "new", "s", k=5, history=[None, None, ["i01", "i02"]])
    again = sasrec.load(modelfile.load(model.save(tmp_path / "a.model"), kind=sasrec.KIND))
    assert again.predict(who).equals(model.predict(who))
    assert again.settings == asked
    sasrec.trainer(asked).train(walks(), seed=5).save(tmp_path / "b.model")
    assert (tmp_path / "a.model").read_bytes() == (tmp_path / "b.model").read_bytes()
    other = sasrec.trainer(asked).train(walks(), seed=6)
    assert not np.array_equal(other.weights["item"], model.weights["item"])


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    model = sasrec.trainer(replace(SMALL, epochs=1)).train(walks(), seed=0)
    file = modelfile.load(model.save(tmp_path / "a.model"), kind=sasrec.KIND)
    bad = file.arrays["model.norm"].copy()
    bad[0] = np.nan
    for wrong in (
        replace(file, kind="models.recommend.ease"),
        replace(file, card={**file.card, "width": "17"}),
        replace(file, arrays={**file.arrays, "model.norm": bad}),
        replace(file, arrays={name: one for name, one in file.arrays.items() if name != "model.place"}),
    ):
        with pytest.raises(BadInput):
            sasrec.load(wrong)


def test_what_cannot_be_learnt_from_is_refused() -> None:
    alone = pa.table({"user": ["a", "b"], "item": ["x", "y"]})
    with pytest.raises(UsageError, match="nobody did two things"):
        sasrec.trainer(SMALL).train(alone, seed=0)
    for wrong in (replace(SMALL, loss="mse"), replace(SMALL, heads=3)):
        with pytest.raises(UsageError, match="loss is softmax or bce"):
            sasrec.trainer(wrong).train(walks(), seed=0)
    with pytest.raises(UsageError, match="takes no ticket"):
        sasrec.trainer(SMALL).train(walks(), seed=0, tickets=[b"one"])
