"""Reach as a private question: from files of sketches to rows, for exactly what was paid."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core.errors import BadInput, BudgetRefused, NotSupported, UsageError
from consentinel.core.ledger import Ticket
from consentinel.core.tables import RELEASES
from consentinel.protect.estimates import Facts
from consentinel.protect.reach.asked import AskedReach, open_sketches, plan, question, release
from consentinel.protect.reach.encoding import encode
from consentinel.protect.reach.hashing import epoch_key
from consentinel.protect.reach.sketch import Params, build, merge

KEY = epoch_key(bytes(range(32)), "2026-W47")
SHAPE = Params(registers=1 << 14, classes=64, falling=8, frequency=3)
UNIONS = (("all", ()), ("news", ("news/*",)), ("games", ("games/*",)))
ASKED = AskedReach("2026-W47", UNIONS, SHAPE)
RHO = Fraction(1, 2)


def files(folder: Path) -> list[Path]:
    """News saw people 0 to 2,999 on Monday and 0 to 1,499 again on Tuesday, games 2,000 to 3,999 once."""
    seen = {"news/mon": range(3000), "news/tue": range(1500), "games/mon": range(2000, 4000)}
    paths = []
    for at, (source, ids) in enumerate(seen.items()):
        paths.append(folder / f"{at}.sketch")
        paths[-1].write_bytes(encode(build(pa.array(ids), KEY, SHAPE, source=source)))
    return paths


def paid(asked: AskedReach, digests: dict[str, str], **changes: Any) -> Ticket:
    params = {name: Fraction(text) for name, text in plan(asked, RHO, Facts(4000)).params}
    ticket = Ticket("book", "entry-1", asked.kind, cast(Any, params), question(asked, digests).digest, 2**60)
    return replace(ticket, **changes)


def test_reach_of_publishers_and_of_all_together(tmp_path: Path) -> None:
    unions, digests = open_sketches(files(tmp_path), ASKED, key_id=KEY.id)
    rows = release(unions, ASKED, digests, paid(ASKED, digests), run_id="r1")
    assert rows.schema == RELEASES
    found = {(row["group"], row["name"]): row for row in rows.to_pylist()}
    truth = {"all": (4000, 2500, 0), "news": (3000, 1500, 0), "games": (2000, 0, 0)}
    assert len(found) == 9
    for name, numbers in truth.items():
        for label, number in zip(("1+", "2+", "3+"), numbers, strict=True):
            row = found[(f'{{"union":"{name}"}}', f"reach {label}")]
            assert row["value"] == pytest.approx(number, abs=250)
            assert row["low"] <= row["value"] <= row["high"]
            assert row["assumes"] == ["honest-but-curious"]
    row = found[('{"union":"all"}', "reach 1+")]
    told = plan(ASKED, RHO, Facts(4000)).half_width
    assert (row["high"] - row["low"]) / 2 == pytest.approx(told, rel=0.1)


def test_noise_pays_for_every_union_that_a_person_may_be_in(tmp_path: Path) -> None:
    drawn: list[tuple[str, Fraction, int]] = []

    def draw(kind: str, scale: Fraction, n: int) -> Any:
        drawn.append((kind, scale, n))
        return np.zeros(n, dtype=np.int64)

    unions, digests = open_sketches(files(tmp_path), ASKED)
    release(unions, ASKED, digests, paid(ASKED, digests), draw=draw)
    ((kind, sigma, n),) = drawn
    assert (kind, n) == ("discrete_gaussian", 3 * 4)
    assert float(sigma) ** 2 == pytest.approx(2 * 3 / (2 * RHO)), "squared L2 sensitivity 2 for each of 3 unions"


def test_a_ticket_of_anything_else_is_refused(tmp_path: Path) -> None:
    paths = files(tmp_path)
    unions, digests = open_sketches(paths, ASKED)
    good = paid(ASKED, digests)
    for other in (replace(ASKED, sampled=True), replace(ASKED, unions=(UNIONS[0], ("a", ()), ("b", ())))):
        with pytest.raises(BudgetRefused, match="one question only"):
            release(unions, other, digests, good)
    with pytest.raises(BudgetRefused, match="noise that small"):
        release(unions, ASKED, digests, replace(good, params=cast(Any, {"rho": RHO, "sigma_registers": Fraction(1)})))
    with pytest.raises(NotSupported, match="spend rho"):
        release(unions, ASKED, digests, replace(good, params=cast(Any, {"epsilon": RHO})))
    paths[0].write_bytes(encode(build(pa.array(range(2999)), KEY, SHAPE, source="news/mon")))
    changed, others = open_sketches(paths, ASKED)
    with pytest.raises(BudgetRefused, match="one question only"):
        release(changed, ASKED, others, good)


def test_what_would_fail_is_refused_before_a_charge(tmp_path: Path) -> None:
    paths = files(tmp_path)
    with pytest.raises(NotSupported, match="other params"):
        open_sketches(paths, replace(ASKED, shape=Params()))
    with pytest.raises(NotSupported, match="is of epoch"):
        open_sketches(paths, replace(ASKED, epoch="2026-W48"))
    with pytest.raises(NotSupported, match="another key"):
        open_sketches(paths, ASKED, key_id="0" * 32)
    with pytest.raises(UsageError, match="no sketch has a source of 'music'"):
        open_sketches(paths, replace(ASKED, unions=(("music", ("music/*",)),)))
    with pytest.raises(BadInput, match="no such file"):
        open_sketches([tmp_path / "none"], ASKED)
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    with pytest.raises(BadInput, match=r"1\.sketch"):
        open_sketches(paths, ASKED)
    with pytest.raises(UsageError, match="a name of its own"):
        AskedReach("w", (("a", ()), ("a", ())))
    whole = merge([build(["a"], KEY, SHAPE, source=source) for source in ("news/mon", "games/mon")])
    (tmp_path / "both").write_bytes(encode(whole))
    with pytest.raises(NotSupported, match="merged before"):
        open_sketches([tmp_path / "both"], ASKED)
