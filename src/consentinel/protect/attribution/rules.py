"""Which touches may get credit for a conversion, and which of them comes first: rules by name.

A conversion is in the window of a touch when it is more than `low` and at most `high` seconds after it. Clicks come
before views, later before earlier. Names and windows are those of Meta's Private Attribution (facebookresearch/fbpcs,
pcf2_attribution).
"""

from dataclasses import dataclass

from consentinel.core.errors import UsageError

__all__ = ["RULES", "Rule", "rule_named"]

DAY = 86_400
Window = tuple[int, int]


@dataclass(frozen=True)
class Rule:
    """Windows of a click and of a view in seconds (low, high]; None: such a touch gets no credit. same_target: the
    conversion must have the target and the action type of the touch."""

    click: Window | None
    view: Window | None = None
    same_target: bool = False

    def __post_init__(self) -> None:
        windows = [window for window in (self.click, self.view) if window is not None]
        if not windows or any(not 0 <= low < high for low, high in windows):
            raise UsageError("a rule has a window for clicks or for views, each with 0 <= low < high seconds")

    def sql(self, touch: str = "t", conversion: str = "c") -> str:
        """Return the condition that TOUCH may get credit for CONVERSION."""
        age = f"({conversion}.time - {touch}.time)"
        parts = [
            f"({touch}.is_click = {flag} AND {age} > {window[0]} AND {age} <= {window[1]})"
            for flag, window in ((1, self.click), (0, self.view))
            if window is not None
        ]
        same = f" AND {touch}.target = {conversion}.target AND {touch}.action = {conversion}.action"
        return f"({touch}.time > 0 AND ({' OR '.join(parts)}){same if self.same_target else ''})"


RULES = {
    "last_click_1d": Rule((0, DAY)),
    "last_click_28d": Rule((0, 28 * DAY)),
    "last_click_2_7d": Rule((DAY, 7 * DAY)),
    "last_touch_1d": Rule((0, DAY), (0, DAY)),
    "last_touch_28d": Rule((0, 28 * DAY), (0, DAY)),
    "last_touch_2_7d": Rule((DAY, 7 * DAY), (0, DAY)),
    "last_click_1d_targetid": Rule((0, DAY), same_target=True),
}


def rule_named(name: str) -> Rule:
    """Return the rule NAME; raises UsageError that lists those that there are."""
    if name not in RULES:
        raise UsageError(f"no rule '{name}'; there is: {', '.join(RULES)}")
    return RULES[name]
