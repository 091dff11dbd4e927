"""The private network: clipping per person, paid noise, plans paid whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BudgetRefused
from consentinel.core.ledger_opening import now
from consentinel.models.asked import settings
from consentinel.models.private.dp_sgd import plan_loss
from consentinel.models.vision import private_cnn
from consentinel.models.vision._network import Network, initial
from consentinel.models.vision.private_cnn import CLIP_STEPS, _total
from tests.models.made_payment import ABOUT, MINUTE, granted
from tests.models.made_pictures import drawn, made, right

opacus = pytest.importorskip("opacus.grad_sample", reason="opacus is not installed")
ROWS, OTHERS = made(300), made(60, seed=1)
SET = "people=300,classes=across|down|plain,batch=150,epochs=12,rate=2,clip=0.5,epsilon=60"


def trainer(text: str = SET) -> Any:
    return private_cnn.trainer(settings(private_cnn.SETTINGS, text, "test"))


def test_it_learns_under_a_plan_paid_whole_and_is_kept(tmp_path: Path) -> None:
    one = trainer()
    ask = one.ask(ROWS)
    with granted(tmp_path, 40_000_000) as book:
        tickets = book.spend_all(
            [ask.charge(**ABOUT)], questions=[ask.question], not_after=now() + MINUTE, loss=plan_loss
        )
        model = one.paid_by(book).train(ROWS, seed=0, tickets=tickets)
        with pytest.raises(BudgetRefused):
            one.paid_by(book).train(ROWS, seed=0, tickets=tickets)
    assert isinstance(model, Network)
    assert right(model.predict(OTHERS), OTHERS) > 0.6
    read = private_cnn.load(modelfile.load(model.save(tmp_path / "model"), kind="models.vision.private_cnn"))
    assert read.predict(OTHERS).equals(model.predict(OTHERS))


def test_a_picture_adds_at_most_one_clip_and_a_small_gradient_is_kept() -> None:
    from fractions import Fraction

    from consentinel.models.private.poisson import Loader

    x, codes = drawn(6)
    net = opacus.GradSampleModule(initial((16, 16, 1), 3, "tanh", 0), loss_reduction="sum")

    def total(rows: int, clip: float, people: "np.ndarray | None" = None) -> "np.ndarray":
        batch = next(Loader(rows, Fraction(1), people=people).batches(1))
        return _total(net, x[:rows], codes[:rows], batch, clip).astype(np.float64)

    alone = total(1, 1e-3)
    assert CLIP_STEPS * 0.99 < np.linalg.norm(alone) <= CLIP_STEPS
    assert np.linalg.norm(total(6, 1e-3)) <= 6 * CLIP_STEPS
    assert np.linalg.norm(total(6, 1e-3, np.zeros(6, np.int64))) <= CLIP_STEPS  # all six are one person's
    assert np.linalg.norm(total(1, 1e3)) < 0.1 * CLIP_STEPS
    assert not total(0, 1.0).any()


def test_without_a_ticket_nothing_is_trained() -> None:
    with pytest.raises(BudgetRefused, match="paid ticket"):
        trainer().train(ROWS, seed=0)
