"""Words, figures and tones of the reports that people read."""

import math
from collections.abc import Callable, Iterable, Mapping

from consentinel.assure.results import Row, whom
from consentinel.core.page import Tone

__all__ = [
    "OF_SOME",
    "PILLARS",
    "READING",
    "TONES",
    "Q",
    "about",
    "chance",
    "ends",
    "figure",
    "interval",
    "method_words",
    "series_of",
    "surest",
    "tone",
]

PILLARS = {
    "fair": ("Fairness", "Who gets worse results, less exposure or other errors, and by how much."),
    "explain": ("Explanation", "Whether what is said to drive an answer really drives it, and stays the same."),
    "robust": ("Robustness", "What attacks, noise and drift do to the answers, and what is certified against them."),
    "private": ("Privacy", "What the answers give away about who was learned from."),
}
TONES: Mapping[str, Tone] = {
    "fail": "danger", "insufficient evidence": "caution", "pass": "ok", "effect": "warn", "no effect shown": "muted",
    "not measured": "caution",
}  # fmt: skip
Q = (
    "The q-value of a measure is the share of false alarms to expect when this measure and all with a smaller q are "
    "taken for real (Benjamini and Hochberg, over every tested measure of the audit)."
)
READING = {
    "Interval": "The range that holds the truth in {level:g}% of such audits. People, queries or rows are the units "
    "that are drawn; rows of one person are never taken for several people.",
    "Effect": "The measure differs from its value without effect, with a q-value of at most {alpha:g}. It says that "
    "a difference is there, not that it is large or wrong: look at the interval.",
    "No effect shown": "The data do not tell the measure from no effect. That is no proof of equality: the smallest "
    "detectable gap says how large a gap so many units would have shown with 80% power.",
    "Not measured": "What was asked for cannot be measured on these data; the row says why.",
}

OF_SOME: Mapping[str, tuple[Callable[[Row], bool], str]] = {
    "Flips": (
        lambda row: row["probe"] == "flips",
        "Rows are asked again with another group named in them and nothing else changed. A flip rate is the share of "
        "answers that change then; a model that does not see the group, nor anything that only says it, has none.",
    ),
    "Before, after, change": (
        lambda row: str(row["probe"] or "").startswith("mitigate/"),
        "What a mitigation came to: the number with the answers as they are, with those that it makes, and the "
        "difference of the two for the same people, after less before.",
    ),
}  # what is explained only where a row asks for it
_METHODS = {
    "t": "t: Student's, of a mean over units, with as many degrees of freedom as there are units less one",
    "counted": "counted: no estimate, hence no error",
}


def method_words(method: str) -> str:
    """Return what METHOD of an interval is, in words where its name alone does not say it."""
    said = _METHODS.get(method, method)
    return f"{said.removesuffix(', t')}, Student's t" if said.endswith(", t") else said


def figure(value: float | None) -> str:
    """Return VALUE with four significant digits."""
    if value is None or math.isnan(value):
        return "–"  # noqa: RUF001
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"  # noqa: RUF001
    text = f"{value:.3g}" if abs(value) < 0.1 else f"{value:.4g}"
    if abs(value) >= 1e5:
        text = f"{value:,.0f}"
    return text.replace("-", "−")  # noqa: RUF001


def chance(value: float | None) -> str:
    """Return the p- or q-value VALUE; below 0.0001 only that."""
    return "< 0.0001" if value is not None and value < 1e-4 else figure(value)


def interval(row: Row) -> str:
    """Return the ends of the interval of ROW."""
    return f"{figure(row['low'])} to {figure(row['high'])}"


def ends(row: Row) -> tuple[float, float, float]:
    """Return value, low and high of ROW, an estimate with an interval."""
    return float(row["value"]), float(row["low"]), float(row["high"])


def about(row: Row) -> str:
    """Return whom ROW is about and what it is compared with."""
    return whom(row) or "everybody"


def surest(rows: Iterable[Row], alpha: float) -> list[Row]:
    """Return the ROWS that show an effect, the surest first; of a series only its surest point."""
    shown = sorted((row for row in rows if row["q"] is not None and row["q"] <= alpha), key=lambda row: row["q"])
    first: dict[object, Row] = {}
    for row in shown:
        on = series_of(row)
        first.setdefault((row["probe"], row["metric"], row["against"], on[:2]) if on else id(row), row)
    return list(first.values())


def tone(row: Row) -> Tone:
    """Return the tone of the verdict of ROW; an effect on the good side is no warning."""
    if row["verdict"] == "effect" and row["better"] in ("higher", "lower") and row["value"] is not None:
        return "ok" if (row["value"] > row["null"]) == (row["better"] == "higher") else "warn"
    return TONES.get(str(row["verdict"] or ""), "info")


def series_of(row: Row) -> tuple[str, str, float] | None:
    """Return the series, the name of its axis and the place on it, where the slice of ROW ends in name=number."""
    rest, _, last = str(row["slice"] or "").rpartition(",")
    name, sign, text = last.strip().partition("=")
    try:
        place = float(text.strip().rstrip("%"))
    except ValueError:
        return None
    unit = ", %" if text.strip().endswith("%") else ""
    return (rest.strip(), name.strip() + unit, place) if sign and math.isfinite(place) else None
