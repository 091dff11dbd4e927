"""Identifiers that live for one page load only: sent under a denied storage signal, kept nowhere, seen nowhere else.

Google Consent Mode without consent, and what works like it, sends pings with an identifier that is drawn anew for
every page load and stored nowhere. It names a page load, not a device. All of this is needed to take one for that:

1. the request that carries it says itself (gcs, gcd) that storage is denied, and nothing says that any is granted;
2. the value is in no cookie and no storage, and in no request that does not say so;
3. it is in no other page load: of this visit, of the visits judged with it, of those judged before;
4. both storages, for ads and for analytics, are denied. Where the signal states one only, the same field held other
   values in other page loads of the visit.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from consentinel.core.columns import codes, floats, ints, labels

__all__ = ["SIGNAL_KEYS", "PageLoadIds", "signal_rows"]

SIGNAL_KEYS = r"(?i)(^|\.)(x-ga-)?gc[ds](\[\])?$"  # names of fields that state which storage is granted
_DEVICE = ("device.id", "device.advertising_id")
_BESIDE = ("cookie", "header")  # carriers that a ping has none of its own in

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def signal_rows(data: pa.Table) -> Bools:
    """Return which rows of DATA are signals of a request about storage."""
    names = pa.array(labels(data["key"]), pa.string())
    found = pc.fill_null(pc.match_substring_regex(names, SIGNAL_KEYS), False).to_numpy(zero_copy_only=False)
    return np.append(found, False)[codes(data["key"])]


class PageLoadIds:
    """Tells identifiers of one page load in batches of whole visits, and remembers them for the batches that follow."""

    def __init__(self) -> None:
        self.n = 0  # values that were found to be such
        self._met = np.zeros(0, np.int64)

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
        signal = signal_rows(data)
        if not signal.any():
            return found
        requests = _requests(data, signal, consent)
        device = _is(data, "type", _DEVICE)
        beside = np.flatnonzero(device & (requests.denied(data) > 0))
        candidates = np.unique(ints(data["digest"])[beside])
        at = np.flatnonzero(_in(ints(data["digest"]), candidates))
        if not len(beside):
            return found
        rows = data.take(pa.array(at))
        found[at] = self._new(rows, _passing(rows, requests.denied(rows), traffic)) & _of_device(rows, device[at])
        return found

    def _new(self, rows: pa.Table, passing: Bools) -> Bools:
        """Return which of the PASSING rows have values that no batch before had, and remember all of them."""
        digest = ints(rows["digest"])
        new = passing & ~np.isin(digest, self._met)
        self.n += len(np.unique(digest[new]))
        self._met = np.union1d(self._met, digest[passing])
        return new


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


def _passing(rows: pa.Table, denied: Ints, traffic: pa.Table | None) -> Bools:
    """Return which of ROWS, all there are of some values, have a value of one page load; DENIED is that of each."""
    _, value = np.unique(ints(rows["digest"]), return_inverse=True)
    load = _loads(rows, traffic)
    sent = _is(rows, "action", ("sent",)) & ~_is(rows, "carrier", _BESIDE) & (denied > 0)
    ok = _all(value, sent) & _all(value, load == _first(value, load))
    if ok.any() and (denied[ok] < 2).any():
        field = codes(rows["visit_id"]) << 42 | codes(rows["recipient"]) << 21 | codes(rows["key"])
        _, field = np.unique(field, return_inverse=True)
        loads, values = (_distinct(field[sent], of[sent], int(field.max()) + 1) for of in (load, value))
        ok &= _all(value, (denied == 2) | ((loads > 1) & (values >= loads))[field])
    return ok


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
