"""What every reader yields, and the builder that turns requests into columns."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.mask import host_templates, path_templates
from consentinel.core.tables import TRAFFIC
from consentinel.detect import parties
from consentinel.detect.collectors._address import script_place, split_url

# One raw value as read: it lives until it is decoded, typed and masked, and is never written.
RAW = pa.schema(
    [
        ("visit_id", pa.dictionary(pa.int32(), pa.string())),
        ("seq", pa.int32()),
        ("time", pa.int64()),
        ("action", pa.dictionary(pa.int32(), pa.string())),
        ("carrier", pa.dictionary(pa.int32(), pa.string())),
        ("recipient", pa.dictionary(pa.int32(), pa.string())),
        ("lifetime_s", pa.int64()),
        ("key", pa.string()),
        ("value", pa.large_binary()),
    ],
)
MAX_BODY = 4 << 20
MAX_FIELD = 1 << 20  # characters kept of one header, path, query or cookie

# What a recorder may tell; anything else is not known and is not stored as it was written.
SCENARIOS = frozenset(("unknown", "no_action", "accept", "reject", "partial", "gpc", "withdraw"))
_REGION = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"(\.\d{6})\d+")

# Header fields that steer the transport and carry no personal data of their own.
TRANSPORT = frozenset(
    [
        "host",
        "connection",
        "content-length",
        "content-encoding",
        "accept",
        "accept-encoding",
        "cache-control",
        "pragma",
        "te",
        "trailer",
        "upgrade",
        "transfer-encoding",
        "keep-alive",
        "proxy-connection",
        "upgrade-insecure-requests",
        "if-modified-since",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-fetch-user",
        "origin",
        "priority",
        "purpose",
        "sec-purpose",
        "range",
        "if-range",
        "access-control-request-headers",
        "access-control-request-method",
        "content-type",
        "content-type-options",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
        "expect",
        "max-forwards",
        "sec-ch-ua-mobile",
    ],
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of one file; any table may be absent. `visits` comes with or after the rows of its visits."""

    traffic: pa.Table | None = None
    raw: pa.Table | None = None
    visits: pa.Table | None = None
    calls: pa.Table | None = None
    consent: pa.Table | None = None
    done: bool = False  # the file ends here: every visit in it is whole
    data: pa.Table | None = None  # DATA rows of a source that has no values any more, only what they were


@dataclass(frozen=True, slots=True)
class Options:
    """How to read: the number of the file, what is known of it, and the column map of a table."""

    file_no: int = 0
    scenario: str = "unknown"
    region: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    batch_requests: int = 4_000
    key: bytes = b""  # project key, to open a sealed copy
    beside: tuple[Path, ...] = ()  # the other files, of a source that is several


def told_region(value: object) -> str | None:
    """Return VALUE when it is written like a region (EU, DE, US-CA), else None."""
    return value if isinstance(value, str) and _REGION.fullmatch(value) else None


def micros(text: object) -> int | None:
    """Return an ISO 8601 time (or seconds or milliseconds since 1970) as microseconds UTC, or None."""
    if isinstance(text, bool) or text is None:
        return None
    if isinstance(text, (int, float)):
        if not 0 < text < 1e17:
            return None
        return int(text * (1_000_000 if text < 1e11 else 1_000 if text < 1e14 else 1))
    try:
        when = datetime.fromisoformat(_FRACTION.sub(r"\1", str(text)))
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    gap = when - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


class Rows:
    """Collects requests of one file as columns; `flush` returns them as TRAFFIC and RAW tables."""

    def __init__(self) -> None:
        self.visit_ids: list[str] = []
        self.subjects: list[str] = []
        self.cnames: dict[str, list[str]] = {}  # by host; a first-party name may lead to another company
        self._next_seq: list[int] = []
        self._clear()

    def _clear(self) -> None:
        self._traffic: dict[str, list[object]] = {n: [] for n in _PER_REQUEST}
        self._group: dict[str, list[object]] = {n: [] for n in ("visit", "seq", "time", "carrier", "host", "size")}
        self._keys: list[str] = []
        self._values: list[bytes | str] = []
        self._life: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._traffic["visit"])

    def visit(self, visit_id: str, subject: str) -> int:
        """Open a visit and return its number."""
        self.visit_ids.append(visit_id)
        self.subjects.append(subject)
        self._next_seq.append(0)
        return len(self.visit_ids) - 1

    def request(
        self,
        visit: int,
        time: int,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]],
        *,
        body: bytes | str | None = None,
        mime: str = "",
        set_cookies: Sequence[str] = (),
        status: int | None = None,
        resource_type: str | None = None,
        channel: str = "http",
        direction: str = "sent",
        initiator: str | None = None,
        line: int | None = None,
        col: int | None = None,
    ) -> int:
        """Add one request (or message) with everything that it carried; return its seq."""
        host, port, path, query = split_url(_clean(url))
        seq = self._next_seq[visit]
        self._next_seq[visit] = seq + 1
        keys, values = self._keys, self._values
        gpc = None
        at = len(keys)
        cookie = packed = ""
        for name, value in headers:
            low = name.lower()
            if low == "cookie":
                cookie = f"{cookie}; {value}" if cookie else value
            elif low == "content-encoding":
                packed = value.strip().lower()
            elif low not in TRANSPORT and low[:1] != ":":
                keys.append(low)
                values.append(value[:MAX_FIELD])
                if low == "sec-gpc":
                    gpc = value.strip() == "1"
        self._leaves(visit, seq, time, "header", host, len(keys) - at)
        for carrier, text in (("path", path if len(path) > 1 else ""), ("query", query), ("cookie", cookie)):
            if text:
                keys.append("")
                values.append(text[:MAX_FIELD])
                self._leaves(visit, seq, time, carrier, host, 1)
        size = None
        if body:
            size = len(body)
            keys.append("")
            values.append(body[:MAX_BODY])
            kind = mime.partition(";")[0].strip().lower()
            self._leaves(visit, seq, time, f"body:{kind}|{packed}" if packed else f"body:{kind}", host, 1)
        for text in set_cookies:
            keys.append("")
            values.append(text[:MAX_FIELD])
            self._leaves(visit, seq, time, "set-cookie", host, 1)
        row = (
            visit, seq, time, _clean(method)[:16].upper(), host, port, path[:MAX_FIELD],
            None if resource_type is None else _clean(resource_type)[:32], status, size,
            None if size is None else size > MAX_BODY, None if initiator is None else _clean(initiator)[:MAX_FIELD],
            line, col, gpc, channel, direction,
        )  # fmt: skip
        for column, item in zip(self._traffic.values(), row, strict=True):
            column.append(item)
        return seq

    def stored(self, visit: int, time: int, carrier: str, host: str, key: str, value: str, life: int | None) -> None:
        """Add one write to a cookie or storage made by a script of HOST."""
        if life is not None:
            self._life[len(self._keys)] = life
        self._keys.append(key)
        self._values.append(value[:MAX_BODY])
        self._leaves(visit, None, time, carrier, host, 1)

    def _leaves(self, visit: int, seq: int | None, time: int, carrier: str, host: str, size: int) -> None:
        if size:
            group = self._group
            group["visit"].append(visit)
            group["seq"].append(seq)
            group["time"].append(time)
            group["carrier"].append(carrier)
            group["host"].append(host)
            group["size"].append(size)

    def flush(self) -> tuple[pa.Table, pa.Table]:
        """Return what was added since the last flush as (TRAFFIC, RAW) and forget it."""
        ids = pa.array(self.visit_ids, pa.string())
        traffic, raw = self._traffic_table(ids), self._raw_table(ids)
        self._clear()
        return traffic, raw

    def _traffic_table(self, ids: pa.Array) -> pa.Table:
        got, n = self._traffic, len(self)
        visit = np.array(got["visit"], np.int32)
        host = pa.array(got["host"], pa.string()).dictionary_encode()
        known = self._parties(host.dictionary)
        codes = host.indices
        site = {name: _recode(known[name], codes) for name in ("recipient", "owner", "category")}
        path = pa.array(got["path"], pa.string()).dictionary_encode()
        template = pa.array(path_templates(path.dictionary.to_pylist()), pa.string())
        places = pa.array(got["initiator"], pa.string()).dictionary_encode()
        place = pa.array([script_place(u) for u in places.dictionary.to_pylist()], pa.string())
        columns: dict[str, object] = {
            "visit_id": pa.DictionaryArray.from_arrays(pa.array(visit), ids),
            "seq": pa.array(got["seq"], pa.int32()),
            "time": pa.array(got["time"], pa.int64()),
            "port": pa.array(got["port"], pa.int32()),
            "host": _recode(pa.array(host_templates(host.dictionary.to_pylist()), pa.string()), host.indices),
            "path_template": _recode(template, path.indices),
            **site,
            "party": self._party(visit, known, codes),
            "cnames": pa.array(map(self.cnames.get, host.dictionary.to_pylist()), pa.list_(pa.string())).take(codes),
            "status": pa.array(got["status"], pa.int32()),
            "body_bytes": pa.array(got["body_bytes"], pa.int64()),
            "truncated": pa.array(got["truncated"], pa.bool_()),
            "initiator_url": _recode(place, places.indices),
            "line": pa.array(got["line"], pa.int32()),
            "col": pa.array(got["col"], pa.int32()),
            "gpc": pa.array(got["gpc"], pa.bool_()),
        }
        for name in ("method", "resource_type", "channel", "direction"):
            columns[name] = pa.array(got[name], pa.string()).dictionary_encode()
        out = []
        for column in TRAFFIC:
            value = columns.get(column.name)
            out.append(pa.nulls(n, column.type) if value is None else value)
        return pa.table(out, schema=TRAFFIC)

    def _party(self, visit: np.ndarray, known: pa.Table, codes: pa.Array) -> pa.Array:
        """First or third party for each unique (visit subject, host) pair."""
        if not len(visit):
            return pa.array([], pa.string()).dictionary_encode()
        owners = dict(zip(self.subjects, parties.lookup(self.subjects)["owner"].to_pylist(), strict=True))
        recipient, owner = known["recipient"].to_pylist(), known["owner"].to_pylist()
        pair = visit.astype(np.int64) * len(recipient) + codes.to_numpy()
        unique, inverse = np.unique(pair, return_inverse=True)
        labels = []
        for code in unique.tolist():
            subject, at = self.subjects[code // len(recipient)], code % len(recipient)
            labels.append(parties.party(subject, recipient[at], owners.get(subject), owner[at]))
        return _recode(pa.array(labels, pa.string()), pa.array(inverse.astype(np.int32)))

    def _parties(self, hosts: pa.Array) -> pa.Table:
        """Who is behind each of HOSTS: of a name that leads elsewhere, who is at its end."""
        return parties.lookup([self.cnames.get(host, [host])[-1] for host in hosts.to_pylist()])

    def _raw_table(self, ids: pa.Array) -> pa.Table:
        group = self._group
        size = np.array(group["size"], np.int64)
        spread = pa.array(np.repeat(np.arange(len(size), dtype=np.int32), size))
        carrier = pa.array(group["carrier"], pa.string()).dictionary_encode()
        action = np.array(
            ["stored" if c == "set-cookie" or c in STORES else "sent" for c in carrier.dictionary.to_pylist()]
        )
        actions = pa.array(action[carrier.indices.to_numpy()] if len(size) else [], pa.string()).dictionary_encode()
        host = pa.array(group["host"], pa.string()).dictionary_encode()
        recipient = _recode(self._parties(host.dictionary)["recipient"], host.indices)
        life = np.full(len(self._keys), -1, np.int64)
        for at, seconds in self._life.items():
            life[at] = seconds
        values = [v if isinstance(v, bytes) else v.encode("utf-8", "surrogatepass") for v in self._values]
        return pa.table(
            [
                pa.DictionaryArray.from_arrays(pa.array(group["visit"], pa.int32()).take(spread), ids),
                pa.array(group["seq"], pa.int32()).take(spread),
                pa.array(group["time"], pa.int64()).take(spread),
                actions.take(spread),
                carrier.take(spread),
                recipient.take(spread),
                pa.array(life, mask=life < 0),
                pa.array([_clean(k) for k in self._keys], pa.string()),
                pa.array(values, pa.large_binary()),
            ],
            schema=RAW,
        )


STORES = frozenset(("cookie-store", "local-storage", "session-storage"))
_PER_REQUEST = (
    "visit", "seq", "time", "method", "host", "port", "path", "resource_type", "status", "body_bytes",
    "truncated", "initiator", "line", "col", "gpc", "channel", "direction",
)  # fmt: skip
_SURROGATE = re.compile("[\ud800-\udfff]")


def _clean(text: str) -> str:
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _recode(labels: pa.Array | pa.ChunkedArray, codes: pa.Array) -> pa.DictionaryArray:
    """Return the dictionary column whose row i is labels[codes[i]]; equal labels share one code."""
    if isinstance(labels, pa.ChunkedArray):
        labels = labels.combine_chunks()
    if pa.types.is_dictionary(labels.type):
        labels = labels.cast(pa.string())
    small = labels.dictionary_encode()
    return pa.DictionaryArray.from_arrays(pc.take(small.indices, codes), small.dictionary)
