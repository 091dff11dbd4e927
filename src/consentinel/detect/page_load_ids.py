"""Identifiers that live for one page load only: sent under a denied storage signal, kept nowhere, seen nowhere else.

Google Consent Mode without consent, and what works like it, sends pings with an identifier that is drawn anew for
every page load and stored nowhere. It names a page load, not a device. All of this is needed to take one for that:

1. the request that carries it says itself (gcs, gcd) that storage is denied, and nothing says that any is granted;
2. the value is in no cookie and no storage, and in no request that does not say so;
3. it is in no other page load: of this visit, of the visits judged with it, of those judged before. Which page load a
   request belongs to it may say itself (_p): a last ping leaves when the next page is open already;
4. both storages, for ads and for analytics, are denied. Where the signal states one only, the same field held other
   values in other page loads of the visit.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import codes, floats, ints, labels

__all__ = ["KEYS", "PageLoadIds", "needed_rows"]

SIGNAL_KEYS = r"(?i)(^|\.)(x-ga-)?gc[ds](\[\])?$"  # names of fields that state which storage is granted
LOAD_KEYS = r"(^|\.)_p$"  # that number the page load, in requests that state storage
KEYS = f"{SIGNAL_KEYS}|{LOAD_KEYS}"
_DEVICE = ("device.id", "device.advertising_id")
_BESIDE = ("cookie", "header")  # carriers that a ping has none of its own in

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def needed_rows(data: pa.Table) -> Bools:
    """Return which rows of DATA have no type and are needed here: what a request says of storage and its page load."""
    return _named(data, KEYS)


class PageLoadIds:
    """Tells identifiers of one page load in batches of whole visits, and remembers them for the batches that follow."""

    def __init__(self) -> None:
        self.n = 0  # values that were found to be such
        self._met = np.zeros((2, 0), np.int64)  # values, sorted, and the number of their page load; 0: it has none

    def without(self, seen: pa.Table, data: pa.Table, consent: pa.Table, traffic: pa.Table | None = None) -> pa.Table:
        """Return the SIGHTINGS without identifiers of one page load; the other arguments are those of `rows`."""
        passing = self.rows(data, consent, traffic)
        return seen.filter(pa.array(~passing[ints(seen["row"])])) if passing.any() else seen

    def rows(self, data: pa.Table, consent: pa.Table, traffic: pa.Table | None = None) -> Bools:
        """Return which rows of DATA, of whole visits, are identifiers of one page load under what CONSENT says.

        DATA has the signals among its rows. Where there is no TRAFFIC a visit counts as one page load.
        """
        found = np.zeros(data.num_rows, bool)
        denies = pc.or_kleene(pc.invert(consent["ad_storage"]), pc.invert(consent["analytics_storage"]))
        if not data.num_rows or not pc.any(denies).as_py():
            return found
        signal = _named(data, SIGNAL_KEYS)
        if not signal.any():
            return found
        requests = _requests(data, signal, consent)
        device = _is(data, "type", _DEVICE)
        beside = np.flatnonzero(device & (requests.denied(data) > 0))
        candidates = np.unique(ints(data["digest"])[beside])
        at = np.flatnonzero(_in(ints(data["digest"]), candidates))
        if not len(beside):
            return found
        rows, number = data.take(pa.array(at)), _numbers(data)[at]
        passing = _passing(rows, requests.denied(rows), traffic, number)
        found[at] = self._new(rows, passing, number) & _of_device(rows, device[at])
        return found

    def _new(self, rows: pa.Table, passing: Bools, number: Ints) -> Bools:
        """Return which PASSING rows have values that no batch before had in another page load; remember them."""
        values, value = np.unique(ints(rows["digest"]), return_inverse=True)
        loads = _of_value(value, number)
        known = np.minimum(np.searchsorted(self._met[0], values), max(0, len(self._met[0]) - 1))
        met = np.isin(values, self._met[0])
        same = met & (loads != 0) & (self._met[1][known] == loads) if len(self._met[0]) else met
        found = passing & (~met | same)[value]
        self.n += len(np.unique(value[found & ~met[value]]))
        more = np.unique(value[passing & ~met[value]])
        both = np.append(self._met, np.stack([values[more], loads[more]]), axis=1)
        self._met = both[:, np.argsort(both[0], kind="stable")]
        return found


@dataclass(frozen=True, slots=True)
class _Requests:
    """What requests say of storage: `request` numbers them, sorted; `says` is 0 nothing denied, 1 one, 2 both."""

    request: Ints
    says: Ints

    def denied(self, data: pa.Table) -> Ints:
        """Return what the request of each row of DATA says; 0 where it says nothing."""
        mine = _request(data)
        at = np.minimum(np.searchsorted(self.request, mine), len(self.request) - 1)
        return np.where(self.request[at] == mine, self.says[at], 0)


def _requests(data: pa.Table, signal: Bools, consent: pa.Table) -> _Requests:
    """Return what the requests with a SIGNAL say: the statements of Consent Mode that are in force at their time."""
    own = np.flatnonzero(signal & pc.is_valid(data["seq"]).to_numpy())
    request, first = np.unique(_request(data)[own], return_index=True)
    own = own[first]
    visit, time = codes(data["visit_id"])[own], ints(data["time"])[own]
    place = {name: at for at, name in enumerate(labels(data["visit_id"]))}
    granted, ads, analytics = (np.zeros(len(own), bool) for _ in range(3))
    stated = pc.or_(pc.is_valid(consent["ad_storage"]), pc.is_valid(consent["analytics_storage"]))
    said = consent.filter(pc.and_(pc.equal(consent["source"].cast(pa.string()), "consent_mode"), stated))
    order = np.argsort(visit, kind="stable")
    starts = np.searchsorted(visit[order], np.arange(len(place) + 1))
    names = ("visit_id", "valid_from", "valid_until", "ad_storage", "analytics_storage")
    for name, since, until, ad, analytic in zip(*(said[column].to_pylist() for column in names), strict=True):
        number = place.get(name)
        if number is None:
            continue
        rows = order[starts[number] : starts[number + 1]]
        rows = rows[(time[rows] >= since) & (time[rows] < until)]
        granted[rows] |= bool(ad) or bool(analytic)
        ads[rows] |= ad is False
        analytics[rows] |= analytic is False
    return _Requests(request, np.where(granted, 0, ads.astype(np.int64) + analytics))


def _passing(rows: pa.Table, denied: Ints, traffic: pa.Table | None, number: Ints) -> Bools:
    """Return which of ROWS, all there are of some values, have a value of one page load.

    DENIED is that of each, NUMBER what its request calls the page load (0: nothing).
    """
    _, value = np.unique(ints(rows["digest"]), return_inverse=True)
    place, told = _loads(rows, traffic), number != 0
    sent = _is(rows, "action", ("sent",)) & ~_is(rows, "carrier", _BESIDE) & (denied > 0)
    one = place == _first(value, place)
    if told.any():
        # Requests that name their page load name the same; others stand where one of these stands, or all in one place.
        _, where = np.unique(place, return_inverse=True)
        _, here = np.unique(value * (int(where.max()) + 1) + where, return_inverse=True)
        beside, named = (np.bincount(of, told)[of] > 0 for of in (here, value))
        one = np.where(told, number == _of_value(value, number)[value], np.where(named, beside, one))
    load = np.where(told, number, place)
    ok = _all(value, sent) & _all(value, one)
    if ok.any() and (denied[ok] < 2).any():
        field = codes(rows["visit_id"]) << 42 | codes(rows["recipient"]) << 21 | codes(rows["key"])
        _, field = np.unique(field, return_inverse=True)
        loads, values = (_distinct(field[sent], of[sent], int(field.max()) + 1) for of in (load, value))
        ok &= _all(value, (denied == 2) | ((loads > 1) & (values >= loads))[field])
    return ok


def _numbers(data: pa.Table) -> Ints:
    """Return for each row of DATA what its request calls the page load, as a digest; 0 where it says nothing."""
    own = np.flatnonzero(_named(data, LOAD_KEYS) & pc.is_valid(data["seq"]).to_numpy(zero_copy_only=False))
    if not len(own):
        return np.zeros(data.num_rows, np.int64)
    mine = _request(data)
    request, first = np.unique(mine[own], return_index=True)
    number = ints(data["digest"])[own[first]]
    at = np.minimum(np.searchsorted(request, mine), len(request) - 1)
    return np.where(request[at] == mine, number[at], 0)


def _of_value(value: Ints, number: Ints) -> Ints:
    """Return for each value the NUMBER of one of its rows that has one, else 0."""
    found = np.zeros(int(value.max(initial=-1)) + 1, np.int64)
    found[value[number != 0]] = number[number != 0]
    return found


def _of_device(rows: pa.Table, device: Bools) -> Bools:
    """Return which ROWS are identifiers of a device, or accounts that look more like one.

    An account stays the same whatever is stored; such a type goes only where the datum looks more like a device's.
    """
    account = np.flatnonzero(_is(rows, "type", ("user.id",)))
    if not len(account):
        return device
    _, datum = np.unique(np.column_stack([_request(rows), codes(rows["key"])]), axis=0, return_inverse=True)
    best, p = np.full(len(datum), -1.0), floats(rows["type_p"])
    np.maximum.at(best, datum[device], p[device])
    found = device.copy()
    found[account] = p[account] <= best[datum[account]]
    return found


def _loads(rows: pa.Table, traffic: pa.Table | None) -> Ints:
    """Return a number for the page load that each of ROWS is in: of a visit, those between its documents."""
    visit = codes(rows["visit_id"])
    documents = np.zeros(0, np.int64)
    if traffic is not None and traffic.num_rows:
        page = np.flatnonzero(_is(traffic, "party", ("first",)) & _is(traffic, "resource_type", ("document",)))
        place = {name: at for at, name in enumerate(labels(rows["visit_id"]))}
        number = np.array([*(place.get(name, -1) for name in labels(traffic["visit_id"])), -1])
        of = number[codes(traffic["visit_id"])[page]]
        documents = np.sort(of[of >= 0] << 32 | ints(traffic["seq"])[page][of >= 0])
    return visit << 32 | np.searchsorted(documents, _request(rows), side="right")


def _request(data: pa.Table) -> Ints:
    return codes(data["visit_id"]) << 32 | ints(data["seq"], -1) & 0xFFFFFFFF


def _named(data: pa.Table, keys: str) -> Bools:
    """Return which rows of DATA have a name that the regular expression KEYS finds."""
    names = pa.array(labels(data["key"]), pa.string())
    found = pc.fill_null(pc.match_substring_regex(names, keys), False).to_numpy(zero_copy_only=False)
    return np.append(found, False)[codes(data["key"])]


def _is(table: pa.Table, column: str, names: tuple[str, ...]) -> Bools:
    return np.array([*(name in names for name in labels(table[column])), False])[codes(table[column])]


def _in(values: Ints, among: Ints) -> Bools:
    """Return which VALUES are AMONG sorted ones."""
    if not len(among):
        return np.zeros(len(values), bool)
    return among[np.minimum(np.searchsorted(among, values), len(among) - 1)] == values


def _all(group: Ints, holds: Bools) -> Bools:
    """Return for each row whether it HOLDS in all rows of its group."""
    return (np.bincount(group, ~holds, int(group.max(initial=-1)) + 1) == 0)[group]


def _first(group: Ints, values: Ints) -> Ints:
    """Return for each row the value that the first row of its group has."""
    _, first = np.unique(group, return_index=True)
    return values[first][group]


def _distinct(group: Ints, values: Ints, n: int) -> Ints:
    """Return how many distinct VALUES each of N groups has."""
    _, number = np.unique(values, return_inverse=True)
    pairs = np.unique(group * (len(values) + 1) + number)
    return np.bincount(pairs // (len(values) + 1), minlength=n)
