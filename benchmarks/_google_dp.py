"""Google's statistical test cases: their text format, their two rules, and the ballot."""

import math
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._claim import ROOT

__all__ = ["approximately_private", "ballot", "close", "discretized", "folder", "parsed", "read"]

Samples = NDArray[np.int64]
_TOKEN = re.compile(
    r'\s*(?:#[^\n]*\n?\s*)*("(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|[-+.0-9][-+.0-9A-Za-z]*|[{}\[\]:;,<>])'
)


def folder() -> Path:
    """Return the folder of the cases in the shared data; raises SystemExit where it is not."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (found := shared / "protect" / "google_dp_cases").is_dir():
        raise SystemExit("no google_dp_cases: set CONSENTINEL_SHARED_DATA to the folder that has protect/")
    return found


def read(name: str) -> dict[str, list[Any]]:
    """Return the case file NAME."""
    return parsed((folder() / name).read_text("utf-8"))


def parsed(text: str) -> dict[str, list[Any]]:
    """Return the message in TEXT (protocol buffer text format): for each field its values in order.

    A value is a number (int or float as written), a text, the name of an enumerator, or a message. A list appends each
    of its members, as the format says. Raises ValueError for text that is not of this form.
    """
    tokens = list(_tokens(text))
    message, end = _message(tokens, 0, None)
    if end != len(tokens):
        raise ValueError(f"unexpected '{tokens[end]}'")
    return message


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while match := _TOKEN.match(text, at):
        yield match[1]
        at = match.end()
    if re.sub(r"#[^\n]*", "", text[at:]).strip():
        raise ValueError(f"cannot read {text[at : at + 30]!r}")


def _message(tokens: list[str], at: int, closing: str | None) -> tuple[dict[str, list[Any]], int]:
    found: dict[str, list[Any]] = {}
    while at < len(tokens) and tokens[at] != closing:
        name = tokens[at]
        if not (name.isascii() and name.isidentifier()):
            raise ValueError(f"a field name is needed, got '{name}'")
        at += 1
        colon = at < len(tokens) and tokens[at] == ":"
        values, at = _values(tokens, at + colon, colon)
        found.setdefault(name, []).extend(values)
        at += at < len(tokens) and tokens[at] in ",;"
    if closing and at >= len(tokens):
        raise ValueError(f"'{closing}' is missing at the end")
    return found, at + (closing is not None)


def _values(tokens: list[str], at: int, colon: bool) -> tuple[list[Any], int]:
    if at >= len(tokens):
        raise ValueError("a value is missing at the end")
    if tokens[at] in "{<":
        message, at = _message(tokens, at + 1, "}" if tokens[at] == "{" else ">")
        return [message], at
    if not colon:
        raise ValueError(f"':' is needed before '{tokens[at]}'")
    if tokens[at] != "[":
        return [_scalar(tokens[at])], at + 1
    found: list[Any] = []
    at += 1
    while at < len(tokens) and tokens[at] != "]":
        values, at = _values(tokens, at, True)
        found += values
        if at < len(tokens) and tokens[at] == ",":
            at += 1
        elif at >= len(tokens) or tokens[at] != "]":
            raise ValueError("',' or ']' is needed in a list")
    if at >= len(tokens):
        raise ValueError("']' is missing at the end")
    return found, at + 1


def _scalar(token: str) -> Any:
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    if token.isidentifier():
        return token
    try:
        return int(token)
    except ValueError:
        return float(token)  # ValueError for what is no number: '{', ':' and the like


def discretized(samples: NDArray[Any], granularity: float) -> Samples:
    """Return SAMPLES rounded to the nearest multiple of GRANULARITY, halves upwards, as numbers of multiples."""
    return np.floor(samples / granularity + 0.5).astype(np.int64)


def approximately_private(a: Samples, b: Samples, epsilon: float, delta: float, tolerance: float) -> bool:
    """Return whether A and B could be draws of two (EPSILON, DELTA)-close distributions.

    The empirical hockey-stick distance, both ways, must stay below delta + tolerance.
    """
    count_a, count_b = _histograms(a, b)
    e, n = math.exp(epsilon), len(a)
    one, two = (np.maximum(x - e * y, 0.0).sum() / n for x, y in ((count_a, count_b), (count_b, count_a)))
    return bool(one < delta + tolerance and two < delta + tolerance)


def close(a: Samples, b: Samples, tolerance: float) -> bool:
    """Return whether A and B could be draws of distributions whose l2 distance is below half of TOLERANCE.

    Collisions within and between the samples estimate the distance.
    """
    count_a, count_b = (count.astype(np.float64) for count in _histograms(a, b))
    n = len(a)
    within = ((count_a * (count_a - 1)).sum() + (count_b * (count_b - 1)).sum()) / 2
    value = within - (n - 1) / n * (count_a * count_b).sum()
    return bool(value < tolerance * (n - 1) * tolerance * n / 4)


def ballot(vote: Callable[[], bool], votes: int) -> bool:
    """Return the majority of VOTES votes; stops when it is clear."""
    yes = no = 0
    while max(yes, no) <= votes // 2:
        if vote():
            yes += 1
        else:
            no += 1
    return yes > no


def _histograms(a: Samples, b: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    low, high = min(int(a.min()), int(b.min())), max(int(a.max()), int(b.max()))
    if high - low < 1 << 24:
        return np.bincount(a - low, minlength=high - low + 1), np.bincount(b - low, minlength=high - low + 1)
    values, where = np.unique(np.concatenate([a, b]), return_inverse=True)
    return np.bincount(where[: len(a)], minlength=len(values)), np.bincount(where[len(a) :], minlength=len(values))
