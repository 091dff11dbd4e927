"""One sentence on where counts stand: the last step, what was expected of it, what changed, what comes next."""

from dataclasses import dataclass

import numpy as np

from consentinel.understand.forecasting.answer import Found

__all__ = ["Posture", "posture"]


@dataclass(frozen=True)
class Posture:
    """The sentence, its verdict (calm, watch, alarm), and every number in it by name."""

    sentence: str
    verdict: str
    numbers: dict[str, float | str]


def posture(found: Found, what: str = "incidents") -> Posture:
    """Return the posture of the series FOUND at its last step; WHAT names what is counted.

    Alarm: the last count stands out (adjusted p below the asked rate) above what was expected. Watch: it lies above
    its interval, or the level rose in the last eight steps. Calm: else. All numbers are computed, none is phrased.
    """
    series, step = found.series, found.series.step
    last = len(series) - 1
    count, day = float(series.counts[last]), str(series.day(last))
    numbers: dict[str, float | str] = {"count": count, "step_from": day}
    when = f"On {day}" if step == "day" else f"In the {step} from {day}"
    said = [f"{when} there {'was' if count == 1 else 'were'} {count:,.0f} {_counted(what, count)}"]
    row = last - found.first
    low, high = float(found.bands.low[row, 0]), float(found.bands.high[row, 0])
    above = bool(np.isfinite(high) and count > high)
    out = bool(found.adjusted[row] <= found.rate and count > found.mean[row, 0])
    if np.isfinite(low):
        numbers |= {"expected_low": low, "expected_high": high}
        place = "above" if above else "below" if count < low else "within"
        said[0] += f", {place} the {low:,.0f} to {high:,.0f} that were expected"
    recent = [change for change in found.changes if change.at >= len(series) - 8]
    rose = any(change.after > change.before for change in recent)
    if found.changes:
        change = found.changes[-1]
        began = str(series.day(change.at))
        numbers |= {"changed": began, "level_before": round(change.before, 3), "level_after": round(change.after, 3)}
        word = "rose" if change.after > change.before else "fell"
        said.append(f"the level last {word} around {began}, from {change.before:,.1f} to {change.after:,.1f} a {step}")
    ahead = (float(found.bands.low[-1, 0]), float(found.point[-1, 0]), float(found.bands.high[-1, 0]))
    if np.isfinite(ahead[0]):
        numbers |= {"next_low": ahead[0], "next": ahead[1], "next_high": ahead[2]}
        verb = "is" if round(ahead[1]) == 1 else "are"
        said.append(f"for the next {step} {ahead[1]:,.0f} {verb} expected ({ahead[0]:,.0f} to {ahead[2]:,.0f})")
    verdict = "alarm" if out else "watch" if above or rose else "calm"
    return Posture("; ".join(said) + ".", verdict, numbers)


def _counted(what: str, count: float) -> str:
    return what[:-1] if count == 1 and what.endswith("s") else what
