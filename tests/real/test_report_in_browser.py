"""The HTML report in a real Chromium: it opens offline, asks for nothing, sorts, filters, searches and prints."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from consentinel.detect.reports import html
from tests.detect.reports.made_scans import build, hostile, many

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra [browser]: playwright")

pytestmark = pytest.mark.real

NAMES = ("chromium", "chromium-browser", "google-chrome")
FINDINGS = "section#findings"
SHOWN = f"{FINDINGS} table.grid > tbody > tr:not([hidden])"


@dataclass
class Opened:
    """A report in a browser without a network, and what went wrong with it."""

    page: "sync_api.Page"
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    """The Chromium that CONSENTINEL_CHROMIUM names, else the first one on the PATH."""
    asked = os.environ.get("CONSENTINEL_CHROMIUM")
    binary = asked or next((path for name in NAMES if (path := shutil.which(name))), None)
    if binary is None:
        pytest.skip(f"no Chromium: install one of {', '.join(NAMES)} or set CONSENTINEL_CHROMIUM")
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def opened(browser: "sync_api.Browser", path: Path) -> Opened:
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    report = Opened(page)
    page.on("console", lambda said: report.complaints.append(said.text))
    page.on("pageerror", lambda why: report.complaints.append(str(why)))
    page.on("dialog", lambda box: report.complaints.append(box.message))
    page.on("request", lambda request: report.requests.append(request.url))
    page.goto(path.as_uri())
    return report


@pytest.fixture
def report(browser: "sync_api.Browser", tmp_path: Path) -> Iterator[Opened]:
    """A report of 120 findings against a baseline."""
    made = opened(browser, html.write(build(many(120), baseline=True), tmp_path))
    yield made
    made.page.context.close()


def wide(page: "sync_api.Page") -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_it_opens_offline_and_asks_for_nothing(report: Opened) -> None:
    assert report.page.locator(SHOWN).count() == 120
    assert report.complaints == []
    assert [url for url in report.requests if not url.startswith("data:")] == [report.page.url]


def test_hostile_text_runs_nothing(browser: "sync_api.Browser", tmp_path: Path) -> None:
    made = opened(browser, html.write(build(hostile(), baseline=True), tmp_path))
    made.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert made.complaints == []
    assert made.page.locator("img, iframe, [onload], [onerror]").count() == 0
    assert not wide(made.page)
    made.page.context.close()


def test_an_injected_script_would_not_run(browser: "sync_api.Browser", tmp_path: Path) -> None:
    path = html.write(build(many(3)), tmp_path)
    text = path.read_text("utf-8").replace("</main>", "<script>document.title = 'run'</script></main>")
    path.write_text(text, "utf-8")
    made = opened(browser, path)
    assert made.page.title() == "Consent report: shop.test"
    assert any("Content Security Policy" in said for said in made.complaints)
    made.page.context.close()


def test_search_and_filter_narrow_the_rows_and_say_so(report: Opened) -> None:
    page, status = report.page, report.page.locator(f"{FINDINGS} [role=status]")
    page.get_by_label("Search").first.fill("mixpanel.test identifier")
    found = [text.lower() for text in page.locator(SHOWN).all_text_contents()]  # folded evidence is searched too
    assert 0 < len(found) < 120
    assert all("mixpanel.test" in text and "identifier" in text for text in found)
    assert status.inner_text() == f"Showing {len(found)} of 120 rows"
    page.get_by_label("Search").first.fill("")
    page.get_by_label("Severity", exact=True).select_option("=critical")
    badges = page.locator(f"{SHOWN} > td:first-child").all_inner_texts()
    assert set(badges) == {"critical"}
    page.get_by_label("Search").first.fill("no such words")
    assert status.inner_text() == "Showing 0 of 120 rows"


def test_columns_sort_by_value_with_mouse_and_keyboard(report: Opened) -> None:
    page = report.page
    head = page.locator(f"{FINDINGS} thead").get_by_role("button", name="Times")
    head.click()
    times = [int(text) for text in page.locator(f"{SHOWN} > td.num").all_inner_texts()]
    assert times == sorted(times)
    head.press("Enter")
    assert page.locator(f"{FINDINGS} th[aria-sort=descending]").inner_text().startswith("Times")
    assert [int(text) for text in page.locator(f"{SHOWN} > td.num").all_inner_texts()] == sorted(times, reverse=True)
    page.locator(f"{FINDINGS} thead").get_by_role("button", name="Severity").press(" ")
    order = page.locator(f"{SHOWN} > td:first-child").all_inner_texts()
    bad = [text for text in order if text in ("critical", "high", "medium", "low")]
    assert order[0] == bad[0] == "critical"


def test_it_is_whole_without_scripts(browser: "sync_api.Browser", tmp_path: Path) -> None:
    path = html.write(build(many(30)), tmp_path)
    with browser.new_context(java_script_enabled=False, offline=True) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        assert page.locator(SHOWN).count() == 30
        assert page.get_by_role("searchbox").count() == 0
        page.locator("summary").first.click()
        assert page.get_by_text("Script", exact=True).first.is_visible()


@pytest.mark.parametrize("width", [420, 800, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen(report: Opened, width: int, scheme: str) -> None:
    report.page.set_viewport_size({"width": width, "height": 800})
    report.page.emulate_media(color_scheme=scheme)
    assert not wide(report.page)
    paint = "getComputedStyle(document.body).backgroundColor"
    light = sum(int(n) for n in re.findall(r"\d+", report.page.evaluate(paint))[:3]) > 380
    assert light == (scheme == "light")


def test_text_stands_out_from_what_is_behind_it(report: Opened) -> None:
    # WCAG 2.2, success criterion 1.4.3: contrast of at least 4.5 to 1.
    script = """() => {
      const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
      const light = (colour) => parts(colour).slice(0, 3).map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
      const behind = (one) => {
        const colour = getComputedStyle(one).backgroundColor;
        return (parts(colour)[3] ?? 1) === 0 && one.parentElement ? behind(one.parentElement) : colour;
      };
      return [...document.querySelectorAll(".badge, .soft, .note, .meta, .heat, dd, dt, summary, th, .kicker")]
        .map((one) => [light(getComputedStyle(one).color), light(behind(one)), one.className + ": " + one.textContent])
        .map(([a, b, what]) => [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), what.slice(0, 40)])
        .filter(([ratio]) => ratio < 4.5);
    }"""
    for scheme in ("light", "dark"):
        report.page.emulate_media(color_scheme=scheme)
        faint = report.page.evaluate(script)
        assert not faint, (scheme, len(faint), faint[:5])


def test_it_prints_on_paper(report: Opened) -> None:
    pdf = report.page.pdf(format="A4", print_background=False)
    assert pdf.startswith(b"%PDF-")
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 3 < pages < 40
    report.page.emulate_media(media="print")
    assert report.page.locator(".tools label:visible").count() == 0
    assert report.page.locator("details:visible").count() == 0
