"""One browser of Attribution Level 1: it keeps impressions and answers a conversion with a histogram.

Guarantee: pure differential privacy per browser and epoch, of the per-site budget for one site and of the common
budget for all sites together, once an aggregator adds Laplace noise of scale 2 max value / epsilon to the sum.
Assumes: honest-but-curious (the aggregator), and that the browser keeps to this code.
Source: W3C Attribution Level 1, sections "Attribution Logic" and "Privacy Budget"; names of errors are the standard's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from consentinel.core.errors import UsageError
from consentinel.protect.w3c.budgets import Budgets
from consentinel.protect.w3c.credit import fairly_allocate, random_fraction
from consentinel.protect.w3c.sites import parse_site, parse_sites

__all__ = ["Device", "Limits"]

DAY, HOUR = 86_400, 3_600
MOST_EPSILON = 4294


@dataclass(frozen=True)
class Limits:
    """The values that the standard leaves to the browser; budgets in micro-epsilon, epochs and lookback in days."""

    aggregation_services: frozenset[str]
    global_budget: int
    site_budget: int
    impression_site_quota: int
    epoch_days: int
    lookback_days: int
    histogram_size: int
    credit_size: int
    match_values: int
    conversion_sites: int
    conversion_callers: int
    impression_sites: int
    impression_callers: int


@dataclass
class _Impression:
    site: str
    intermediary: str | None
    conversion_sites: set[str]
    conversion_callers: set[str]
    match_value: int
    index: int
    priority: int
    time: int
    lifetime: int

    @property
    def caller(self) -> str:
        return self.intermediary or self.site


@dataclass(frozen=True)
class _Asked:
    epsilon: Fraction
    size: int
    lookback: int
    match_values: frozenset[int]
    sites: set[str]
    callers: set[str]
    credit: tuple[Fraction, ...]
    value: int
    most_value: int


@dataclass
class Device:
    """A browser; times are whole seconds since 1970 UTC and must not go back.

    Arguments: its limits; draw, numbers in [0, 1) for the start of its epochs and for rounding credit.
    """

    limits: Limits
    draw_epoch: Callable[[], Fraction] = random_fraction
    draw_credit: Callable[[], Fraction] = random_fraction
    enabled: bool = True
    impressions: list[_Impression] = field(default_factory=list)
    budgets: Budgets = field(init=False)
    _epoch_zero: int | None = None
    _cleared: int | None = None

    def __post_init__(self) -> None:
        most = self.limits
        self.budgets = Budgets(most.site_budget, most.global_budget, most.impression_site_quota)

    def save_impression(
        self, now: int, site: str, options: Mapping[str, Any], *, intermediary: str | None = None
    ) -> None:
        """Keep an impression that was shown on SITE (saved by INTERMEDIARY, when it is not the site itself).

        OPTIONS by the standard's names: histogramIndex, matchValue, conversionSites, conversionCallers,
        lifetimeDays, priority. Raises UsageError that begins with RangeError, SyntaxError or TypeError.
        """
        place, through = _places(site, intermediary)
        index = _whole(options, "histogramIndex")
        lifetime = _whole(options, "lifetimeDays", 30)
        match_value = _whole(options, "matchValue", 0)
        priority = _whole(options, "priority", 0, least=-(2**31), most=2**31 - 1)
        if index >= self.limits.histogram_size:
            raise UsageError(f"RangeError: histogramIndex is below {self.limits.histogram_size}, got {index}")
        if lifetime == 0:
            raise UsageError("RangeError: lifetimeDays is at least 1")
        sites = parse_sites(options.get("conversionSites", ()), "conversionSites", self.limits.conversion_sites)
        callers = parse_sites(options.get("conversionCallers", ()), "conversionCallers", self.limits.conversion_callers)
        if self.enabled:
            kept = min(lifetime, self.limits.lookback_days) * DAY
            self.impressions.append(
                _Impression(place, through, sites, callers, match_value, index, priority, now, kept)
            )

    def measure_conversion(
        self, now: int, site: str, options: Mapping[str, Any], *, intermediary: str | None = None
    ) -> list[int]:
        """Return the histogram of a conversion on SITE, which only an aggregator may see (here nothing is encrypted).

        OPTIONS by the standard's names: aggregationService, histogramSize, epsilon, lookbackDays, matchValues,
        impressionSites, impressionCallers, credit, value, maxValue. Without a match, with the API off, or with too
        little budget every count is zero, so that a caller cannot tell these apart.
        """
        place, through = _places(site, intermediary)
        asked = self._asked(options)
        return self._attribute(now, place, through or place, asked) if self.enabled else [0] * asked.size

    def clear_impressions(self, site: str) -> None:
        """Forget the impressions that SITE saved, and SITE as conversion site or caller of others (Clear-Site-Data)."""
        gone = parse_site(site)
        kept = []
        for one in self.impressions:
            if one.caller == gone:
                continue
            emptied = False
            for named in (one.conversion_sites, one.conversion_callers):
                if gone in named:
                    named.discard(gone)
                    emptied = emptied or not named
            if not emptied:
                kept.append(one)
        self.impressions = kept

    def clear_history(self, now: int, sites: Iterable[str], *, forget_visits: bool) -> None:
        """Clear browsing history of SITES (of all when empty and FORGET_VISITS).

        Not forgetting visits empties the budgets of SITES. Forgetting them drops impressions and budget entries, and
        puts every epoch up to this one out of reach of every site, so that clearing never gives budget back.
        """
        gone = parse_sites(sites, "sites", None)
        if not forget_visits:
            if not gone:
                raise UsageError("TypeError: name the sites whose budget is to be emptied")
            self.budgets.empty(range(self._first_epoch(now), self._epoch(now) + 1), gone)
            return
        self.impressions = [one for one in self.impressions if gone and one.site not in gone]
        self.budgets.forget(gone)
        self._cleared = now

    def clear_expired(self, now: int) -> None:
        """Forget impressions whose lifetime is over."""
        self.impressions = [one for one in self.impressions if now < one.time + one.lifetime]

    def _asked(self, options: Mapping[str, Any]) -> _Asked:
        most = self.limits
        if options.get("aggregationService") not in most.aggregation_services:
            raise UsageError("ReferenceError: this aggregation service is not known")
        epsilon = _number(options.get("epsilon", 1), "epsilon")
        if not 0 < epsilon <= MOST_EPSILON:
            raise UsageError(f"RangeError: epsilon is above 0 and at most {MOST_EPSILON}")
        size = _whole(options, "histogramSize")
        if not 1 <= size <= most.histogram_size:
            raise UsageError(f"RangeError: histogramSize is 1 to {most.histogram_size}, got {size}")
        value, most_value = _whole(options, "value", 1), _whole(options, "maxValue", 1)
        if not 0 < value <= most_value:
            raise UsageError(f"RangeError: value is 1 to maxValue ({most_value}), got {value}")
        credit = tuple(_number(part, "credit") for part in options.get("credit", (1,)))
        if not 1 <= len(credit) <= most.credit_size or min(credit) <= 0:
            raise UsageError(f"RangeError: credit is 1 to {most.credit_size} positive numbers")
        lookback = min(_whole(options, "lookbackDays", most.lookback_days), most.lookback_days)
        if lookback == 0:
            raise UsageError("RangeError: lookbackDays is at least 1")
        given: Sequence[int] = options.get("matchValues", ())
        if len(given) > most.match_values:
            raise UsageError(f"RangeError: matchValues has {len(given)} values, at most {most.match_values} are used")
        wanted = frozenset(_whole({"matchValues": one}, "matchValues") for one in given)
        sites = parse_sites(options.get("impressionSites", ()), "impressionSites", most.impression_sites)
        callers = parse_sites(options.get("impressionCallers", ()), "impressionCallers", most.impression_callers)
        return _Asked(epsilon, size, lookback * DAY, wanted, sites, callers, credit, value, most_value)

    def _attribute(self, now: int, site: str, caller: str, asked: _Asked) -> list[int]:
        current = self._epoch(now)
        single = current == self._epoch(now - asked.lookback)
        by_epoch: dict[int, list[_Impression]] = {}
        for one in self.impressions:
            if _matches(one, now, site, caller, asked):
                by_epoch.setdefault(self._epoch(one.time), []).append(one)
        # In one epoch the histogram itself is what is paid for, so it is made once and then released or not.
        whole = self._histogram(by_epoch.get(current, []), asked) if single else None
        paid: list[_Impression] = []
        for epoch in range(self._first_epoch(now), current + 1):
            found = by_epoch.get(epoch, [])
            if found and self.budgets.deduct(
                epoch,
                site,
                (one.site for one in found),
                epsilon=asked.epsilon,
                value=asked.value,
                most_value=asked.most_value,
                single_epoch_sum=None if whole is None else sum(whole),
            ):
                paid += found
        return whole if whole is not None and paid else self._histogram(paid, asked)

    def _histogram(self, found: list[_Impression], asked: _Asked) -> list[int]:
        """Last-n-touch: by priority, then the latest first."""
        counts = [0] * asked.size
        best = sorted(found, key=lambda one: (one.priority, one.time), reverse=True)[: len(asked.credit)]
        if best:
            shares = fairly_allocate(asked.credit[: len(best)], asked.value, self.draw_credit)
            for one, share in zip(best, shares, strict=True):
                if one.index < asked.size:
                    counts[one.index] += share
        return counts

    def _epoch(self, time: int) -> int:
        period = self.limits.epoch_days * DAY
        if self._epoch_zero is None:  # each browser has its own start, at a full hour
            self._epoch_zero = int((time - self.draw_epoch() * period) // HOUR) * HOUR
        return (time - self._epoch_zero) // period

    def _first_epoch(self, now: int) -> int:
        first = self._epoch(now - self.limits.lookback_days * DAY)
        return first if self._cleared is None else max(first, self._epoch(self._cleared) + 1)


def _matches(one: _Impression, now: int, site: str, caller: str, asked: _Asked) -> bool:
    return (
        now <= one.time + min(one.lifetime, asked.lookback)
        and (not one.conversion_sites or site in one.conversion_sites)
        and (not one.conversion_callers or caller in one.conversion_callers)
        and (not asked.match_values or one.match_value in asked.match_values)
        and (not asked.sites or one.site in asked.sites)
        and (not asked.callers or one.caller in asked.callers)
    )


def _places(site: str, intermediary: str | None) -> tuple[str, str | None]:
    return parse_site(site), None if intermediary is None else parse_site(intermediary)


def _whole(
    options: Mapping[str, Any], name: str, default: int | None = None, *, least: int = 0, most: int = 2**32 - 1
) -> int:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UsageError(f"TypeError: {name} is a whole number from {least} to {most}")
    return value


def _number(value: object, name: str) -> Fraction:
    """The number as it is written: a float counts as its shortest decimal."""
    if isinstance(value, int | float | Fraction) and not isinstance(value, bool):
        with suppress(ValueError):  # NaN and the infinities
            return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    raise UsageError(f"TypeError: {name} is a finite number")
