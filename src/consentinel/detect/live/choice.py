"""The choice that a scenario asks for: made on the consent dialog, read back, and told with its moment."""

from typing import TYPE_CHECKING, Any

from consentinel.detect.live.archive import iso
from consentinel.detect.live.banner import Acted, act
from consentinel.detect.live.banner_read import Readback, read
from consentinel.detect.live.proof import Change, Proof, confirm, prove

if TYPE_CHECKING:
    from playwright.async_api import Page

__all__ = ["Choice"]

_ANSWERS = {"accept": "accept", "reject": "reject", "partial": "partial", "withdraw": "accept"}
# What the person chose: (state, analytics, advertising).
_CHOSEN = {
    "accept": ("granted", True, True),
    "reject": ("denied", False, False),
    "partial": ("partial", True, False),
    "withdraw": ("denied", False, False),
}


class Choice:
    """The choice of one visit, and its proof: state is verified, contradicted or unknown.

    `consent` lists the changes of consent as `_consentinel` tells them: what the person chose counts from the click
    on, whatever the consent manager made of it; that it recorded something else is told by the proof.
    """

    def __init__(self, scenario: str, *, timeout_s: float) -> None:
        self.state, self.why = "unknown", "the visit ended before the consent state was read"
        self.consent: list[dict[str, Any]] = []
        self.acted: list[dict[str, Any]] = []
        self._scenario, self._timeout_s = scenario, timeout_s
        self._before: Readback | None = None
        self._proof: Proof | None = None

    async def make(self, page: "Page") -> bool:
        """Read the state of PAGE and answer its dialog; whether something was done that takes effect."""
        self._before = await read(page)
        answer = _ANSWERS.get(self._scenario)
        if answer is None:
            return False
        return await self._answer(page, answer)

    async def withdraw(self, page: "Page") -> bool:
        """Withdraw what was accepted; whether something was done that takes effect."""
        if self.state != "verified":
            self.why = f"accepting came first: {self.why}"
            return False
        self._before = await read(page)
        return await self._answer(page, "withdraw")

    async def _answer(self, page: "Page", answer: str) -> bool:
        acted = await act(page, answer, timeout_s=self._timeout_s)
        self.acted += [
            {"time": iso(s.time / 1e6), "what": s.what, "text": s.text, "label": s.label} for s in acted.steps
        ]
        await self._weigh(page, answer, acted)
        return acted.done

    async def _weigh(self, page: "Page", wanted: str, acted: Acted | None) -> None:
        if self._before is None:
            return
        self._proof = await prove(page, wanted, self._before, acted, reload=False)
        self._take(self._proof)
        if acted and acted.done and acted.decided:
            state, analytics, advertising = _CHOSEN[wanted]
            categories = {"necessary": True, "analytics": analytics, "advertising": advertising}
            self.consent.append(
                {"time": iso(acted.decided / 1e6), "state": state, "categories": categories, "source": "choice"}
            )

    async def prove(self, page: "Page") -> None:
        """Weigh what PAGE says in the end; after a choice it has to be another page than that of the click."""
        if self._proof is None:
            await self._weigh(page, self._scenario, None)
        elif self._proof.acted and self._proof.acted.done:
            self._take(await confirm(page, self._proof))

    def _take(self, proof: Proof) -> None:
        self._proof, self.state, self.why = proof, proof.state, proof.why

    @property
    def recorded(self) -> list[dict[str, Any]]:
        """What the consent managers recorded, change by change."""
        return [_told(change) for change in self._proof.changes] if self._proof else []


def _told(change: Change) -> dict[str, Any]:
    categories = {"analytics": change.analytics, "advertising": change.advertising}
    return {"time": iso(change.time / 1e6), "state": change.state, "categories": categories, "source": change.source}
