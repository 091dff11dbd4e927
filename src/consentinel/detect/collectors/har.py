"""HAR 1.2 captures of Chrome, Firefox, Playwright, mitmproxy, sitespeed and others, streamed."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from consentinel.core.errors import BadInput
from consentinel.core.mask import path_templates
from consentinel.core.tables import CALLS, CONSENT, VISITS
from consentinel.detect import parties
from consentinel.detect.collectors import _open
from consentinel.detect.collectors._address import script_place, sent, split_url
from consentinel.detect.collectors._batch import SCENARIOS, Batch, Options, Rows, micros, told_region
from consentinel.detect.collectors._har_entry import (
    ENTRY,
    META,
    PAGES,
    Entry,
    Meta,
    body_of,
    initiator_of,
    int32,
    never_left,
    parse,
    profile_digest,
    profile_levels,
)
from consentinel.detect.collectors._har_split import pieces

SUFFIXES = (".har", ".har.gz", ".har.zst", ".har.zip", ".zip", ".har.vault")

MAX_LIFETIME = 1e11  # seconds; more than that is a mistake of the recorder
_PROOFS = ("verified", "contradicted", "unknown")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")


def read(path: Path, options: Options, notes: list[str]) -> Iterator[Batch]:
    """Yield batches of the HAR file PATH (or of each HAR in a zip); what was left out is told in NOTES.

    Pages of one site in one file are one visit. Raises BadInput when nothing in the file can be used.
    """
    usable, refused = False, list[BadInput]()
    for member_no, (name, stream) in enumerate(_open.members(path, options.key)):
        tag = f"{options.file_no:04d}.{member_no}"
        try:
            yield from _read_one(name, stream, options, tag, notes, _PagesOf(path, options.key, member_no))
            usable = True
        except BadInput as why:  # the other members of a zip may be fine
            refused.append(why)
    if refused and not usable:
        raise refused[0]
    notes += map(str, refused)


@dataclass(frozen=True, slots=True)
class _PagesOf:
    """Where to look for the pages of a HAR once more when they come after its entries."""

    path: Path
    key: bytes
    member_no: int

    def tell(self, reader: "_Har") -> None:
        """Read the pages, if there are any, into READER."""
        with suppress(BadInput, msgspec.MsgspecError), _open.unpacking(self.path.name):
            for no, (name, stream) in enumerate(_open.members(self.path, self.key)):
                if no == self.member_no:
                    found = (data for kind, data in pieces(stream, name, []) if kind == "pages")
                    return reader.about("pages", next(found, b"[]"))


def _read_one(name: str, stream: Any, options: Options, tag: str, notes: list[str], pages: _PagesOf) -> Iterator[Batch]:
    reader = _Har(name, options, tag)
    seen, bad, first_bad = 0, 0, ""
    try:
        with _open.unpacking(name):
            for kind, data in pieces(stream, name, notes):
                if kind == "entry":
                    seen += 1
                    try:
                        entry = parse(ENTRY, data)
                        if entry.pageref and not reader.told_pages:
                            reader.told_pages = True
                            pages.tell(reader)
                        reader.entry(entry)
                    except (msgspec.MsgspecError, ValueError, RecursionError) as why:
                        bad += 1
                        first_bad = first_bad or f"entry {seen:,}: {_reason(why)}"
                    if len(reader.rows) >= options.batch_requests:
                        yield Batch(*reader.rows.flush())
                elif kind in ("pages", "_consentinel"):
                    try:
                        reader.about(kind, data)
                    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as why:
                        notes.append(f"{name}: log.{kind} cannot be used ({_reason(why)})")
    except BadInput as why:
        if not reader.seen:
            raise
        notes.append(f"{why}. The {reader.seen:,} requests before that were read")
    if bad:
        notes.append(f"{name}: {bad:,} unreadable entries were left out; the first: {first_bad}")
        if bad == seen:
            raise BadInput("none of its entries can be read", where=name, todo=f"See the notes; the first: {first_bad}")
    if not reader.seen:
        notes.append(f"{name}: holds no request that leaves the machine")
    reader.finish()
    traffic, raw = reader.rows.flush()
    yield Batch(traffic, raw, reader.visits(), reader.calls(), reader.consent(), done=True)


def _reason(why: Exception) -> str:
    """The parser's message without any piece of the input."""
    return str(why)[:120] if isinstance(why, msgspec.MsgspecError) else type(why).__name__


class _Har:
    """The state of reading one HAR: which visit a page belongs to, and what the recorder told."""

    def __init__(self, name: str, options: Options, tag: str) -> None:
        self.name, self.options, self.tag = name, options, tag
        self.rows, self.meta, self.seen = Rows(), Meta(), 0
        self.told_pages = False
        self._page_url: dict[str, str] = {}
        self._visit_of_page: dict[str, int] = {}
        self._visit_of_site: dict[str, int] = {}
        self._started: list[int] = []
        self._first_path: list[str] = []
        self._time = 0

    def about(self, kind: str, data: bytes) -> None:
        if kind == "pages":
            self.told_pages = True
            for page in parse(PAGES, data):
                url = str(page.url or page.title or "")
                if url.startswith(("http://", "https://")):
                    self._page_url[str(page.id)] = url
        else:
            self.meta = parse(META, data)
            self.rows.cnames = {host: names for host, names in self.meta.cnames.items() if names}

    def _visit(self, pageref: str, url: str, headers: list[tuple[str, str]]) -> int:
        known = self._visit_of_page.get(pageref)
        if known is not None:
            return known
        page = self._page_url.get(pageref)
        if page is None and not pageref:  # no pages at all (mitmproxy): the referring page tells the site
            page = next((v for k, v in headers if k.lower() == "referer"), None)
        page = page or url
        host, _, path, _ = split_url(page)
        site = parties.registrable(host)
        if site not in self._visit_of_site:
            if not pageref and self._visit_of_site and not self._page_url:
                return next(iter(self._visit_of_site.values()))
            self._visit_of_site[site] = self.rows.visit(f"{self.tag}.{len(self._visit_of_site)}", site)
            self._started.append(self._time)
            self._first_path.append(path)
        if pageref:
            self._visit_of_page[pageref] = self._visit_of_site[site]
        return self._visit_of_site[site]

    def entry(self, entry: Entry) -> None:
        request, response = entry.request, entry.response
        if not sent(request.url):
            return  # data:, blob:, about:, file: never leave the browser
        self.seen += 1
        self._time = micros(entry.startedDateTime) or self._time
        headers = [(str(h.name), str(h.value)) for h in request.headers or () if h.value is not None]
        visit = self._visit("" if entry.pageref is None else str(entry.pageref), request.url, headers)
        body, mime = body_of(request.post_data)
        received = response.headers or () if response else ()
        script, line, col = initiator_of(entry)
        url = request.url
        if never_left(response):
            url, headers, body, received = url.partition("?")[0], [], None, ()
        status = response.status if response else None
        websocket = request.url[:2].lower() == "ws"
        kind = None if entry.resource_type is None else str(entry.resource_type)
        self.rows.request(
            visit,
            self._time,
            str(request.method),
            url,
            headers,
            body=body,
            mime=mime,
            set_cookies=[s for h in received if str(h.name).lower() == "set-cookie" for s in str(h.value).split("\n")],
            status=int(status) if isinstance(status, (int, float)) and 0 < status < 1000 else None,
            resource_type=kind,
            channel="ws" if websocket else "beacon" if kind in ("ping", "beacon") else "http",
            initiator=script,
            line=line,
            col=col,
        )
        for message in entry.messages or ():
            if message.get("type") == "send" and isinstance(message.get("data"), str):
                when = micros(message.get("time")) or self._time
                self.rows.request(
                    visit, when, "SEND", request.url.partition("?")[0], (), body=message["data"], channel="ws"
                )

    def finish(self) -> None:
        """Add what the recorder saw being stored, and make sure that there is a visit to tell about."""
        if not self.rows.visit_ids and self.meta.site:
            self._visit("", f"https://{self.meta.site}/", [])
        for item in self.meta.storage if self.rows.visit_ids else ():
            carrier = {"cookie": "cookie-store", "local": "local-storage", "session": "session-storage"}.get(
                str(item.get("kind"))
            )
            if carrier is None:
                continue
            origin = str(item.get("script_url") or item.get("origin") or "")
            host = split_url(origin)[0] or split_url(str(item.get("origin") or ""))[0] or self.rows.subjects[0]
            life = item.get("lifetime_s")
            if not isinstance(life, (int, float)) or not 0 <= life < MAX_LIFETIME:
                life = None
            if life == 0:  # a removal
                continue
            self.rows.stored(
                0, micros(item.get("time")) or self._time, carrier, host, str(item.get("key", "")),
                str(item.get("value", "")), None if life is None else int(life),
            )  # fmt: skip

    def visits(self) -> pa.Table:
        meta, ids = self.meta, self.rows.visit_ids
        told = meta.scenario if meta.scenario in SCENARIOS - {"unknown"} else self.options.scenario
        proof = meta.scenario_proof if meta.scenario == told and meta.scenario_proof in _PROOFS else "unknown"
        n, levels = len(ids), profile_levels(meta.profile_levels)
        columns: dict[str, list[Any]] = {
            "run_id": [None] * n,
            "visit_id": ids,
            "source_kind": ["har"] * n,
            "source_name": [self.name] * n,
            "subject": self.rows.subjects,
            "page_template": path_templates(self._first_path),
            "started": self._started,
            "scenario": [told] * n,
            "scenario_proof": [proof] * n,
            "repeat": [int32(meta.repeat) or 0] * n,
            "region": [told_region(meta.region) or self.options.region] * n,
            "locale": [meta.locale if _LOCALE.fullmatch(meta.locale or "") else None] * n,
            "profile_digest": [profile_digest(levels)] * n,
            "profile_levels": [levels] * n,
        }
        return pa.table([pa.array(columns[f.name], _plain(f.type)).cast(f.type) for f in VISITS], schema=VISITS)

    def consent(self) -> pa.Table | None:
        """What the recorder read back from the consent manager, as intervals over each visit of the file."""
        steps = []
        for item in self.meta.consent:
            when, state = micros(item.get("time")), item.get("state")
            if when is not None and state in ("granted", "denied", "partial", "unset", "unknown"):
                steps.append((when, state))
        steps.sort()
        records = []
        for visit_id, subject in zip(self.rows.visit_ids, self.rows.subjects, strict=True):
            for at, (when, state) in enumerate(steps):
                until = steps[at + 1][0] if at + 1 < len(steps) else 2**62
                record = dict.fromkeys(CONSENT.names) | {
                    "visit_id": visit_id, "subject": subject, "scope": "", "source": "cmp", "state": state,
                    "valid_from": when if at else 0, "valid_until": until, "observed": when, "quality": "ok",
                }  # fmt: skip
                records.append(record)
        return _table(records, CONSENT) if records else None

    def calls(self) -> pa.Table | None:
        records = []
        for item in self.meta.calls if self.rows.visit_ids else ():
            script = str(item.get("script_url") or "")
            record = dict.fromkeys(CALLS.names) | {
                "visit_id": self.rows.visit_ids[0], "time": micros(item.get("time")) or self._time,
                "api": str(item.get("api", ""))[:120], "script_url": script_place(script),
                "script_site": parties.registrable(split_url(script)[0]) or None,
                "line": int32(item.get("line")), "col": int32(item.get("col")), "n": int32(item.get("n")) or 1,
            }  # fmt: skip
            records.append(record)
        return _table(records, CALLS) if records else None


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _table(records: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([r[f.name] for r in records], _plain(f.type)).cast(f.type) for f in schema]
    return pa.table(columns, schema=schema)
