"""Consent dialogs of real consent managers are answered in a real browser, and a refusal that accepts is caught."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from consentinel.core.errors import MissingExtra
from consentinel.detect.live import banner_rules
from consentinel.detect.live.banner import Acted, act
from consentinel.detect.live.banner_read import read
from consentinel.detect.live.proof import Proof, prove
from tests.real.consent_pages import MODULES, PAGES, Site

pytestmark = pytest.mark.real

# What a manager cannot do by itself: two know yes and no only.
IMPOSSIBLE = {("cookieconsent", "partial"), ("frame", "partial")}
ANSWERS = [(name, wanted) for name in PAGES for wanted in ("accept", "reject", "partial", "withdraw")]
UNDRIVEN = "--disable-blink-features=AutomationControlled"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    for package in ("vanilla-cookieconsent", "klaro", "cookieconsent", "tarteaucitronjs"):
        assert (MODULES / package).is_dir(), "the packages of the range are missing: run `make node`"
    served = Site()
    yield served
    served.close()


Visited = tuple[Acted, Proof, list[str]]


@pytest.fixture(scope="module")
def visited() -> Iterator[Callable[..., Visited]]:
    """Answers the dialog at an address with what is wanted, one after the other; what came of the last one."""
    from playwright.async_api import async_playwright

    async def visit(browser: Any, url: str, wanted: tuple[str, ...]) -> Visited:
        context = await browser.new_context()
        page = await context.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda trouble: troubles.append(str(trouble)))
        await page.goto(url)
        for number, answer in enumerate(wanted):
            if number:
                await page.reload()
            before = await read(page)
            acted = await act(page, answer, timeout_s=20)
        result = acted, await prove(page, wanted[-1], before, acted), troubles
        await context.close()
        return result

    with asyncio.Runner() as runner:
        playwright = runner.run(async_playwright().start())
        browsers: dict[tuple[str, ...], Any] = {}

        def run(url: str, *wanted: str, flags: tuple[str, ...] = (UNDRIVEN,)) -> Visited:
            if flags not in browsers:
                start = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox", *flags]
                )
                browsers[flags] = runner.run(start)
            return runner.run(visit(browsers[flags], url, wanted))

        yield run
        for browser in browsers.values():
            runner.run(browser.close())
        runner.run(playwright.stop())


@pytest.mark.parametrize(("name", "wanted"), ANSWERS)
def test_a_right_manager_is_answered_and_proven(
    site: Site, visited: Callable[..., Visited], name: str, wanted: str
) -> None:
    first = ("accept", wanted) if wanted == "withdraw" else (wanted,)
    acted, proof, troubles = visited(site.url(name), *first)
    told = f"{proof.why} {acted.why} {acted.steps} {proof.said}"
    if (name, wanted) in IMPOSSIBLE:
        assert (proof.state, acted.done) == ("unknown", False), told
        assert "no choice" in acted.why
        return
    assert proof.state == "verified", told
    assert acted.done
    assert proof.reloaded
    states = {"accept": "granted", "reject": "denied", "partial": "partial", "withdraw": "denied"}
    assert proof.changes[-1].state == states[wanted]
    assert proof.changes[0].time < acted.decided == proof.changes[-1].time
    assert not troubles


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        *((name, "reject") for name in PAGES),
        ("klaro", "partial"),
        ("cookieconsent", "withdraw"),
        ("tarteaucitron", "withdraw"),
    ],
)
def test_a_refusal_that_accepts_is_contradicted(
    site: Site, visited: Callable[..., Visited], name: str, wanted: str
) -> None:
    first = ("accept", wanted) if wanted == "withdraw" else (wanted,)
    acted, proof, _ = visited(site.url(name, fault="1"), *first)
    assert proof.state == "contradicted", f"{proof.why} {acted.why} {acted.steps} {proof.said}"
    assert "granted" in proof.why


def test_a_manager_that_hides_from_automation_is_told(site: Site, visited: Callable[..., Visited]) -> None:
    acted, proof, _ = visited(site.url("vanilla-cookieconsent", hides="1"), "reject", flags=())
    assert not acted.seen
    assert proof.state == "unknown"
    assert "the page can see that the browser is automated" in proof.doubts
    acted, proof, _ = visited(site.url("vanilla-cookieconsent", hides="1"), "reject")
    assert proof.state == "verified"


def test_the_rules_are_named_where_they_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_spec("duckduckgo_autoconsent"), "install with: pip install 'consentinel[browser]'"
    banner_rules._rules.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "duckduckgo_autoconsent", None)
    with pytest.raises(MissingExtra, match=r"consentinel\[browser\]"):
        banner_rules._rules()
