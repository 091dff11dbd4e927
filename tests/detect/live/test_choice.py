"""Choices and their proofs, with a consent manager that is made up."""

import asyncio
from typing import Any

import pytest

from consentinel.detect.live import choice as choices
from consentinel.detect.live.banner import Acted, Step
from consentinel.detect.live.banner_read import Readback
from consentinel.detect.live.choice import Choice
from consentinel.detect.live.proof import Change, Proof

CLICK = 1_800_000_000_000_000


class Page:
    """What the dialog and the consent manager of a page do."""

    def __init__(self, states: list[str], *, done: bool = True) -> None:
        self.states, self.done, self.wanted = states, done, list[str]()

    async def act(self, _: Any, wanted: str, *, timeout_s: float) -> Acted:
        self.wanted.append(wanted)
        acted = Acted(wanted, steps=[Step(CLICK, "click", "Accept all", "accept")])
        return acted.finish() if self.done else acted

    async def prove(self, _: Any, wanted: str, before: Readback, acted: Acted | None, *, reload: bool) -> Proof:
        assert not reload
        return Proof(wanted, self.states.pop(0), "why", (Change(CLICK, "granted", True, True, "tcf"),), acted=acted)

    async def confirm(self, _: Any, proof: Proof) -> Proof:
        return Proof(proof.wanted, self.states.pop(0), "later", proof.changes, reloaded=True, acted=proof.acted)


async def read(_: Any) -> Any:
    return object()


def made(page: Page, scenario: str, monkeypatch: pytest.MonkeyPatch) -> Choice:
    for name, stand_in in (("act", page.act), ("prove", page.prove), ("confirm", page.confirm), ("read", read)):
        monkeypatch.setattr(choices, name, stand_in)

    async def go() -> Choice:
        choice, anything = Choice(scenario, timeout_s=1.0), Any
        await choice.make(anything)  # type: ignore[arg-type]
        if scenario == "withdraw":
            await choice.withdraw(anything)  # type: ignore[arg-type]
        await choice.prove(anything)  # type: ignore[arg-type]
        return choice

    return asyncio.run(go())


@pytest.mark.parametrize("scenario", ["no_action", "gpc"])
def test_nothing_is_clicked_where_nothing_is_to_be_chosen(scenario: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(["verified"])
    choice = made(page, scenario, monkeypatch)
    assert (choice.state, choice.consent, page.wanted) == ("verified", [], [])


@pytest.mark.parametrize(("scenario", "state"), [("accept", "granted"), ("reject", "denied"), ("partial", "partial")])
def test_a_choice_counts_from_the_click_and_is_confirmed(
    scenario: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(["verified", "contradicted"])
    choice = made(page, scenario, monkeypatch)
    assert (choice.state, choice.why, page.wanted) == ("contradicted", "later", [scenario])
    assert [(c["state"], c["time"]) for c in choice.consent] == [(state, "2027-01-15T08:00:00.000Z")]
    assert choice.recorded[0]["source"] == "tcf"


def test_a_dialog_that_is_not_answered_leaves_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    choice = made(Page(["unknown"], done=False), "reject", monkeypatch)
    assert (choice.state, choice.consent) == ("unknown", [])
    assert len(choice.acted) == 1


def test_withdrawing_comes_after_accepting(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(["verified", "verified", "verified"])
    choice = made(page, "withdraw", monkeypatch)
    assert page.wanted == ["accept", "withdraw"]
    assert [c["state"] for c in choice.consent] == ["granted", "denied"]
    assert choice.state == "verified"
    failed = Page(["unknown", "unknown"])
    choice = made(failed, "withdraw", monkeypatch)
    assert failed.wanted == ["accept"]
    assert choice.state == "unknown"
