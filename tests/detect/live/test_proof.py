"""A scenario is proven by what is read back: verified, contradicted, or unknown with the reason."""

import asyncio
from typing import Any

import pytest

from consentinel.core.errors import UsageError
from consentinel.detect.live import proof
from consentinel.detect.live.banner import Acted, Step, act
from consentinel.detect.live.banner_read import Readback, Said, said_of
from consentinel.detect.signals._tcstring import encode

NOBODY = Readback(1_000_000)
UNSET = Readback(1_000_000, (Said("klaro", False),))
YES = Readback(3_000_000, (Said("klaro", True, True, True),))
NO = Readback(3_000_000, (Said("klaro", True, False, False),))
MODE = {"source": "consent_mode", "granted": {"ad_storage": False, "analytics_storage": True}}
HALF = Readback(3_000_000, (Said("klaro", True, True, False),))


def done(wanted: str) -> Acted:
    return Acted(wanted, True, True, "text:en", 2_000_000, steps=[Step(2_000_000, "click", "Reject", "reject")])


def tc(**fields: Any) -> str:
    base = {
        "version": 2, "created": 0, "lastUpdated": 0, "cmpId": 1, "cmpVersion": 1, "consentScreen": 1,
        "consentLanguage": "EN", "vendorListVersion": 1, "policyVersion": 5,
    }  # fmt: skip
    return encode(base | fields)


@pytest.mark.parametrize(
    ("wanted", "now", "state"),
    [
        ("accept", YES, "verified"), ("accept", HALF, "verified"), ("accept", NO, "contradicted"),
        ("reject", NO, "verified"), ("reject", YES, "contradicted"), ("reject", HALF, "contradicted"),
        ("partial", HALF, "verified"), ("partial", YES, "contradicted"), ("partial", NO, "contradicted"),
        ("withdraw", NO, "verified"), ("withdraw", YES, "contradicted"),
        ("reject", NOBODY, "unknown"), ("reject", UNSET, "unknown"), ("accept", UNSET, "unknown"),
        ("reject", Readback(3, (Said("klaro", True, False, False, True),)), "contradicted"),
        ("reject", Readback(3, (Said("tarteaucitron", False, note="2 services still wait for an answer"),)), "unknown"),
        ("partial", Readback(3, (Said("cookieconsent", True, True, True, coarse=True),)), "unknown"),
    ],
)  # fmt: skip
def test_what_was_wanted_against_what_was_recorded(wanted: str, now: Readback, state: str) -> None:
    got, why = proof.weigh(wanted, now, dialog=False, acted=done(wanted))
    assert got == state, why
    assert why


def test_a_dialog_that_stays_is_no_proof() -> None:
    assert proof.weigh("reject", NO, dialog=True, acted=done("reject"))[0] == "unknown"


def test_nothing_clicked_proves_nothing() -> None:
    state, why = proof.weigh("reject", YES, dialog=True, acted=Acted("reject", why="no consent dialog was seen"))
    assert (state, why) == ("unknown", "no consent dialog was seen")


def test_one_source_that_grants_contradicts_another_that_denies() -> None:
    now = Readback(3, (Said("klaro", True, False, False), Said("tcf", True, True, True)))
    state, why = proof.weigh("reject", now, dialog=False, acted=done("reject"))
    assert state == "contradicted"
    assert "tcf" in why
    assert "klaro" not in why


def test_consent_mode_decides_only_where_nothing_else_speaks() -> None:
    mode = Said("consent_mode", None, True, True)
    assert proof.weigh("reject", Readback(3, (*NO.said, mode)), dialog=False, acted=done("reject"))[0] == "verified"
    assert proof.weigh("reject", Readback(3, (mode,)), dialog=False, acted=done("reject"))[0] == "contradicted"
    default = Said("consent_mode", False, True, True)
    assert proof.weigh("reject", Readback(3, (default,)), dialog=False, acted=done("reject"))[0] == "unknown"


def test_scenarios_without_a_click() -> None:
    assert proof.weigh("no_action", UNSET, dialog=True, acted=None)[0] == "verified"
    assert proof.weigh("no_action", YES, dialog=False, acted=None)[0] == "contradicted"
    assert proof.weigh("gpc", Readback(1, gpc=True), dialog=False, acted=None)[0] == "verified"
    assert proof.weigh("gpc", NOBODY, dialog=False, acted=None)[0] == "contradicted"


def test_consent_changes_from_the_click_on() -> None:
    got = proof.changes(UNSET, done("reject"), NO)
    assert [(c.time, c.state) for c in got] == [(1_000_000, "unset"), (2_000_000, "denied")]
    assert [c.state for c in proof.changes(YES, done("withdraw"), YES)] == ["granted"]
    assert [c.state for c in proof.changes(UNSET, Acted("reject"), UNSET)] == ["unset"]


class Page:
    """Stands for a page in tests of the proof alone: says READINGS one after the other, the last for good."""

    def __init__(self, *readings: Readback, after: Readback | None = None, dialog: bool = False) -> None:
        self.readings, self.after, self.dialog = list(readings), after, dialog

    async def reload(self, **_: object) -> None:
        if self.after is not None:
            self.readings = [self.after]

    def next(self) -> Readback:
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


def proven(page: Page, wanted: str, monkeypatch: pytest.MonkeyPatch, *, acted: Acted | None = None) -> proof.Proof:
    async def read(asked: Page) -> Readback:
        return asked.next()

    async def open_dialogs(asked: Page) -> list[object]:
        return [object()] if asked.dialog else []

    monkeypatch.setattr(proof, "read", read)
    monkeypatch.setattr(proof, "open_dialogs", open_dialogs)
    monkeypatch.setattr(proof, "AGREE_S", 0.3)
    monkeypatch.setattr(proof, "SPEAK_S", 0.3)
    return asyncio.run(proof.prove(page, wanted, UNSET, acted or done(wanted)))


def test_a_state_that_is_written_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    got = proven(Page(UNSET, NO), "reject", monkeypatch)
    assert got.state == "verified"
    assert got.reloaded
    assert [c.state for c in got.changes] == ["unset", "denied"]


def test_a_refusal_that_turns_into_consent_after_a_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    got = proven(Page(NO, after=YES), "reject", monkeypatch)
    assert got.state == "contradicted"
    assert "after a reload" in got.why
    assert [c.state for c in got.changes] == ["unset", "denied", "granted"]


def test_a_choice_that_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(NO, after=UNSET)
    page.dialog = False
    reload = page.reload

    async def asks_again(**_: object) -> None:
        await reload()
        page.dialog = True

    page.reload = asks_again  # type: ignore[method-assign]
    got = proven(page, "reject", monkeypatch)
    assert got.state == "contradicted"
    assert "forgotten" in got.why


def test_a_manager_that_speaks_after_the_reload_only(monkeypatch: pytest.MonkeyPatch) -> None:
    got = proven(Page(NOBODY, after=NO), "reject", monkeypatch)
    assert got.state == "verified"
    assert [(c.time, c.state) for c in got.changes] == [(1_000_000, "unset"), (2_000_000, "denied")]


def test_the_other_scenarios_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="no scenario"):
        asyncio.run(proof.prove(None, "maybe", UNSET, None))
    with pytest.raises(UsageError, match="no answer"):
        asyncio.run(act(None, "maybe"))


@pytest.mark.parametrize(
    ("item", "state", "analytics", "advertising"),
    [
        ({"source": "klaro", "chosen": True, "granted": {"matomo": True, "ads": False}}, "partial", True, False),
        ({"source": "x", "chosen": True, "granted": {"n": True, "a": True}, "required": ["n"]}, "granted", None, None),
        ({"source": "x", "chosen": True, "granted": {"analytics": True}, "complete": False}, "partial", True, False),
        ({"source": "cookieconsent", "chosen": True, "granted": {"all": False}}, "denied", False, False),
        ({"source": "tarteaucitron", "chosen": False, "waiting": 2, "granted": {"ads": True}}, "unset", None, None),
        ({"source": "storage", "chosen": True, "names": ["analytics", "marketing"]}, "granted", True, True),
        (MODE | {"updated": True}, "partial", True, False),
        (MODE | {"updated": False}, "unset", True, False),
        ({"source": "tcf", "chosen": True, "text": tc(purposeConsents=0b1111111111)}, "granted", True, True),
        ({"source": "tcf", "chosen": True, "text": tc(purposeConsents=0)}, "denied", False, False),
        ({"source": "tcf", "chosen": True, "text": tc(purposeConsents=0b0110000001)}, "partial", True, False),
        ({"source": "us_privacy", "text": "1YYN"}, "denied", None, False),
        ({"source": "us_privacy", "text": "1YNN"}, "granted", None, True),
        ({"source": "tcf", "chosen": True, "text": "garbage"}, "unknown", None, None),
    ],
)  # fmt: skip
def test_what_a_source_says(item: dict[str, Any], state: str, analytics: bool | None, advertising: bool | None) -> None:
    said = said_of(item)
    assert said is not None
    assert (said.state, said.analytics, said.advertising) == (state, analytics, advertising)


def test_storage_that_names_something_else_says_nothing() -> None:
    assert said_of({"source": "storage", "chosen": True, "names": ["dark", "mode"]}) is None
    assert said_of({"source": "storage", "chosen": True, "granted": {"seen": True}}) is None
    assert said_of({"source": "us_privacy", "text": ""}) is None
