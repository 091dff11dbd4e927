"""Recorded vectors of consent strings, from public repositories and the reference libraries, decoded as recorded."""

import json
import os
from pathlib import Path
from typing import Any

import zstandard

from benchmarks._claim import ROOT, write
from benchmarks.claims.signals_equal_reference import comparable, without_clock
from consentinel.core.errors import BadInput
from consentinel.detect.signals import _gpp, _tcstring

NAMES = ("signal_vectors_equal",)
INPUTS = ("benchmarks/claims/signals_equal_reference.py",)


def vectors(name: str) -> list[dict[str, Any]]:
    """Return the vectors NAME from the shared data."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    file = shared / "detect" / "iab_signals" / f"{name}.json.zst"
    if not file.is_file():
        raise SystemExit(f"no {file.name}: set CONSENTINEL_SHARED_DATA to the folder that has detect/iab_signals")
    with file.open("rb") as stream:
        return json.loads(zstandard.ZstdDecompressor().stream_reader(stream).read())


def tc_equal(row: dict[str, Any]) -> bool:
    """Return whether a TC vector decodes as recorded; the recording leaves some fields out."""
    try:
        shown = comparable(_tcstring.plain(_tcstring.decode(row["tc"])), "tc")
    except BadInput:
        return "error" in row
    return "error" not in row and {n: shown[n] for n in row["decoded"]} == comparable(row["decoded"], "tc")


def gpp_equal(row: dict[str, Any]) -> bool:
    """Return whether a GPP vector decodes as recorded."""
    try:
        found = _gpp.decode(row["gpp"])
    except BadInput:
        return "error" in row
    shown, wanted = _gpp.plain(found), row.get("decoded", {})
    return shown.keys() == wanted.keys() and all(
        without_clock(shown[name], found[name]) == without_clock(wanted[name], found[name]) for name in shown
    )


def main() -> None:
    """Measure and write the number."""
    tc, gpp = vectors("tc_string_vectors"), vectors("gpp_string_vectors")
    equal, n = sum(map(tc_equal, tc)) + sum(map(gpp_equal, gpp)), len(tc) + len(gpp)
    write(
        NAMES[0],
        value=equal / n,
        low=equal / n,
        high=equal / n,
        n=n,
        protocol=f"{len(tc)} TC and {len(gpp)} GPP strings with the reference's fields or error; {equal} equal: every "
        "recorded field the same, or an error on both sides; the dates of a section without a core are left out",
    )


if __name__ == "__main__":
    main()
