import sys
from pathlib import Path

import pytest

from consentinel.core.errors import UsageError
from consentinel.core.shelf import Shelf

SIGNALS = "consentinel.detect.signals"


def shelf() -> Shelf:  # type: ignore[type-arg]
    return Shelf(SIGNALS, "read")


def test_names_are_the_files_without_an_underscore() -> None:
    folder = Path(shelf().folder())
    assert shelf().names() == sorted(p.stem for p in folder.glob("[!_]*.py"))
    assert "tcf" in shelf().names()


def test_listing_and_describing_import_no_part() -> None:
    before = {m for m in sys.modules if m.startswith(SIGNALS + ".")}
    assert all(shelf().summary(n).endswith(".") for n in shelf().names())
    assert {m for m in sys.modules if m.startswith(SIGNALS + ".")} == before


def test_a_part_is_taken_by_name() -> None:
    assert callable(shelf().take("gpc").read)
    with pytest.raises(UsageError, match=r"no 'gcp' on detect/signals; there is: .*gpc"):
        shelf().take("gcp")
    with pytest.raises(UsageError):
        shelf().take("_bits")


@pytest.mark.parametrize(
    ("wanted", "left"),
    [("all", None), ("", None), (" tcf , gpc ", ["tcf", "gpc"]), ("-tcf", {"tcf"}), ("all,-gpc,-tcf", {"gpc", "tcf"}),
     ("gpc,tcf,-tcf", ["gpc"]), ("gpc,all", None)],
)  # fmt: skip
def test_parts_are_chosen_by_name(wanted: str, left: list[str] | set[str] | None) -> None:
    names = shelf().names()
    told = left if isinstance(left, list) else [n for n in names if n not in (left or ())]
    assert shelf().choose(wanted) == told


@pytest.mark.parametrize("wanted", ["nothing", "-nothing", "tcf,nothing", "../tcf"])
def test_an_unknown_name_says_what_there_is(wanted: str) -> None:
    with pytest.raises(UsageError, match="there is: "):
        shelf().choose(wanted)


def test_a_shelf_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no shelf"):
        Shelf("consentinel.detect.nothing", "read").names()
