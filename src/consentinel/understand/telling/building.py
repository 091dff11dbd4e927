"""What `understand tell` does: compute a story, check it, print it; or check one that is kept."""

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from consentinel import __version__
from consentinel.core.errors import ContractBroken, UsageError
from consentinel.core.run import Outcome, Run, atomic
from consentinel.understand.shelves import PAPERS, STORIES
from consentinel.understand.telling.checking import FILE, kept, recomputed, uncited, untouched
from consentinel.understand.telling.phrasing import Complete, phrased, same
from consentinel.understand.telling.story import Lead, Story
from consentinel.understand.telling.tables import Tables, opened
from consentinel.understand.telling.teller import Teller
from consentinel.understand.telling.written import plain

__all__ = ["build", "check"]


def build(run: Run, inputs: list[Path], *, story: str, as_of: str, formats: str, complete: Complete | None) -> Outcome:
    """Tell STORY of the tables in INPUTS, and keep it with its pages; COMPLETE is a model that may phrase it.

    Raises UsageError, BadInput; ContractBroken where a page would have a number that nobody can press.
    """
    papers = PAPERS.choose(formats)
    if not papers:
        raise UsageError(f"--formats names none; there is: {', '.join(PAPERS.names())}")
    with opened(run, inputs) as tables:
        made = _told(tables, story, _day(tables, as_of))
        if complete:
            made, left = phrased(made, complete)
            run.assume(
                phrased=sum(bool(b.template) for b in made.blocks if isinstance(b, Lead)), left_as_they_were=left
            )
        if wrong := recomputed(made, tables):
            raise ContractBroken(f"story '{story}': {wrong[0]}")
    pages = {f"story.{PAPERS.take(name).SUFFIX}": PAPERS.take(name).write(made) for name in papers}
    if "story.html" in pages and (found := uncited(pages["story.html"].decode())):
        raise ContractBroken(f"story '{story}': '{found[0]}' has a number that nobody can press")
    files = {name: _place(run, name, page) for name, page in pages.items()}
    files[FILE] = _place(run, FILE, msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    run.assume(story=story, as_of=made.as_of, queries=len(made.queries), facts=len(made.facts))
    return Outcome(run, 0, files, _summary(made))


def check(run: Run, inputs: list[Path], folder: Path) -> Outcome:
    """Compute the story in FOLDER again from the tables in INPUTS; ends in 1 where anything differs."""
    story = kept(folder)
    with opened(run, inputs) as tables:
        wrong = recomputed(story, tables)
        pages = {}
        if story.version != __version__:
            run.note(f"told by version {story.version}, this is {__version__}: words and pages were not compared")
        elif not wrong:
            again = _told(tables, story.story, _date(story.as_of))
            if again.facts != story.facts or again.queries != story.queries or again.blocks != _unphrased(story).blocks:
                wrong.append("the story does not say what its template says")
            phrases = [block for block in story.blocks if isinstance(block, Lead) and block.template]
            wrong += ["a sentence was phrased otherwise than its template says" for one in phrases if not same(one)]
            pages = {
                f"story.{PAPERS.take(name).SUFFIX}": PAPERS.take(name).write(story) for name in ("html", "markdown")
            }
    wrong += untouched(run, folder, story, pages)
    told = f"{len(story.queries)} queries and {len(story.facts)} facts were computed again"
    lines = [f"{told}; {'all is as it was' if not wrong else 'this differs:'}", *wrong, *run.notes]
    return Outcome(run, 1 if wrong else 0, {}, "\n".join(lines))


def _told(tables: Tables, name: str, day: date) -> Story:
    part = STORIES.take(name)
    if not tables.has("incidents"):
        raise UsageError("there is no table of incidents in the inputs; name the folder of a run of understand ingest")
    teller = Teller(tables, day)
    part.tell(teller)
    return teller.made(name, __version__)


def _unphrased(story: Story) -> Story:
    """Return STORY with the template wherever a model wrote what stands."""
    blocks = [
        Lead(b.template, b.kind, b.tone) if isinstance(b, Lead) and b.template else b for b in story.blocks
    ]  # fmt: skip
    return msgspec.structs.replace(story, blocks=blocks)


def _day(tables: Tables, as_of: str) -> date:
    """Return the day AS_OF, else the last day that an incident was opened on, else today."""
    if as_of:
        return _date(as_of)
    _, rows = (
        tables.rows("SELECT max(opened)::DATE FROM incidents") if tables.has("incidents", "opened") else ([], [[None]])
    )
    return _date(str(rows[0][0])) if rows[0][0] else datetime.now(UTC).date()


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--as-of '{text[:40]}' is no day as YYYY-MM-DD") from None


def _place(run: Run, name: str, content: bytes) -> Path:
    path = run.out / name
    with atomic(path) as beside:
        beside.write_bytes(content)
    return run.kept(path)


def _summary(story: Story) -> str:
    leads = [block for block in story.blocks if isinstance(block, Lead)]
    lines = [plain(story, block.pieces) for block in leads if block.kind in ("title", "verdict")]
    return "\n".join(
        [*lines, f"{len(story.facts)} facts from {len(story.queries)} queries; press a figure to see its query"]
    )
