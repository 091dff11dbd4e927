"""Hostile HAR files, 100,000 through the real reader from disk: no crash, no second lost, a clear error or note."""

import base64
import gzip
import io
import json
import random
import string
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import zstandard

from benchmarks._hostile import INPUTS, MARK, Seen, pick, spoiled
from consentinel.core.errors import BadInput
from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Options

NAMES = ("hostile_har",)
SEED = 23
EVERY = 50  # after so many files a good one is read


def entry(draw: random.Random) -> dict[str, Any]:
    """Return an entry as Chrome writes it, with the mark in its values."""
    body = json.dumps({"e": MARK, "n": draw.random()})
    return {
        "pageref": draw.choice(["p1", "p2", "gone", ""]), "startedDateTime": "2026-03-01T10:00:00.123Z", "time": 1.5,
        "request": {
            "method": "POST",
            "url": f"https://t{draw.randrange(9)}.tracker.test/c?uid={draw.getrandbits(64):x}&e={MARK}",
            "headers": [{"name": "Cookie", "value": f"a={MARK}"}, {"name": "Referer", "value": "https://www.shop.test/"}],
            "postData": draw.choice([
                {"mimeType": "application/json", "text": body},
                {"mimeType": "x", "params": [{"name": "e", "value": MARK}]},
                {"mimeType": "", "text": base64.b64encode(gzip.compress(body.encode())).decode(), "encoding": "base64"},
            ]),
        },
        "response": {"status": 200, "headers": [{"name": "Set-Cookie", "value": f"id={MARK}; Max-Age=9"}]},
        "_initiator": {"type": "script", "stack": {"callFrames": [{"url": "https://t.test/a.js", "lineNumber": 1}]}},
        "_webSocketMessages": [{"type": "send", "time": 1772359200.5, "data": body}],
    }  # fmt: skip


def document(draw: random.Random, entries: int = 0) -> dict[str, Any]:
    """Return a HAR of some entries, its parts in any order."""
    log = {
        "version": "1.2", "creator": {"name": "made"},
        "entries": [entry(draw) for _ in range(entries or draw.randint(1, 4))],
        "pages": [{"id": "p1", "title": "https://www.shop.test/a"}, {"id": "p2", "_url": "https://news.test/"}],
        "_consentinel": {
            "site": "shop.test", "scenario": "reject", "storage": [{"kind": "local", "key": MARK, "value": MARK}],
        },
    }  # fmt: skip
    return {"log": dict(draw.sample(sorted(log.items()), len(log)))}


def text(draw: random.Random) -> bytes:
    return json.dumps(document(draw), indent=draw.choice([None, 1])).encode()


def cut(draw: random.Random) -> bytes:
    raw = text(draw)
    return raw[: draw.randint(0, len(raw))]


def changed(draw: random.Random) -> bytes:
    return spoiled(draw, text(draw))


def odd_fields(draw: random.Random) -> bytes:
    """Return a HAR in which some values are of another type."""
    odd = [None, True, -1, 1e300, 10**30, "", MARK, [], {}, [MARK], {MARK: MARK}, [[[]]], {"name": 1}, "\ud800", "\0"]

    def turn(node: Any) -> Any:
        if draw.random() < 0.04:
            return draw.choice([*odd, "x" * 5000])
        if isinstance(node, dict):
            return {k: turn(v) for k, v in node.items()}
        return [turn(v) for v in node] if isinstance(node, list) else node

    return json.dumps(turn(document(draw))).encode()


def brackets(draw: random.Random) -> bytes:
    body = "".join(draw.choices('{}[]",:\\ 1e', k=draw.randint(0, 300)))
    heads = ["", "{", '{"log":{"entries":[', '{"log":{"entries":[{"request":{"url":"https://a.test/"}},']
    return (draw.choice(heads) + body).encode()


def noise(draw: random.Random) -> bytes:
    head = draw.choice(
        [b"", b"{", b"\xef\xbb\xbf{", b"\xff\xfe", b"\x1f\x8b\x08", b"(\xb5/\xfd", b"PK\x03\x04", b"CSNTVLT1"]
    )
    return head + draw.randbytes(draw.randint(0, 600))


def other(draw: random.Random) -> bytes:
    whole = document(draw, 1)
    log = whole["log"]
    told = [json.dumps([whole]), json.dumps(log), json.dumps(whole) * 2, json.dumps(log["entries"][0]) + "\n"]
    rest = [json.dumps(whole).encode("utf-16"), b"<html>" + MARK.encode(), b"", b" \n"]
    return draw.choice([*map(str.encode, told), *rest])


def packed(draw: random.Random) -> bytes:
    raw = text(draw) if draw.random() < 0.7 else changed(draw)
    match draw.randint(0, 2):
        case 0:
            raw = gzip.compress(raw, 1)
        case 1:
            raw = zstandard.compress(raw, 1)
        case _:
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for n in range(draw.randint(0, 3)):
                    archive.writestr(
                        f"{draw.choice(string.ascii_letters)}{n}.har", draw.choice([raw, text(draw), b"x"])
                    )
            raw = out.getvalue()
    return draw.choice([raw, raw[: draw.randint(0, len(raw))], spoiled(draw, raw)])


def deep(draw: random.Random) -> bytes:
    piece = draw.choice(["[", '{"a":', '{"log":{"entries":[', '"', "\\", '\\"', "[[]],", " "])
    head = draw.choice(["", "{", '{"log":{"entries":[', '{"log":{"entries":[{"x":', '{"log":{"pages":'])
    return (head + piece * draw.randint(1, 20_000)).encode()


def bomb(draw: random.Random) -> bytes:
    return draw.choice(BOMBS)


def _bomb(head: bytes, fill: bytes) -> bytes:
    """A gzip file of 1 GB: one compressed block again and again."""
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = machine.compress(head) + machine.flush(zlib.Z_FULL_FLUSH)
    block = machine.compress(fill * (1 << 20)) + machine.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + start + block * 1024 + machine.flush() + bytes(8)


OPEN = b'{"log":{"entries":[{"request":{"url":"https://t.test/?a=1"}}'
BOMBS = [_bomb(b"", b"\0"), _bomb(OPEN, b" "), _bomb(OPEN + b',{"x":"', b"x"), gzip.compress(_bomb(OPEN, b" ")),
         zstandard.compress(OPEN) + zstandard.compress(b" " * (1 << 20)) * 1024]  # fmt: skip
FORMS: dict[Callable[[random.Random], bytes], float] = {
    cut: 20, changed: 30, odd_fields: 17, brackets: 6, noise: 8, other: 5, packed: 12, deep: 1.97, bomb: 0.03
}  # fmt: skip


def read(path: Path) -> tuple[str, int]:
    """Return how reading PATH ended and how many requests it gave; raises AssertionError for what is not clear."""
    notes: list[str] = []
    requests, batches, refused = 0, [], None
    try:
        for batch in har.read(path, Options(), notes):
            requests += batch.traffic.num_rows if batch.traffic is not None else 0
            batches.append(batch)
        end = "a note" if notes else "read whole"
    except BadInput as why:
        refused, end = why, "a clear error"
        notes.append(str(why))
    assert not refused or not requests, "refused after requests were read"
    assert not refused or refused.todo, "an error without what to do"
    assert not refused or refused.where.startswith(path.name), "an error without the file"
    assert MARK not in " ".join(notes), "a message repeats the input"
    assert refused or batches[-1].done, "the file has no end"
    assert requests or notes, "nothing came out and nothing was said"
    return end, requests


def main() -> None:
    """Measure and write the number; it counts the inputs that went well."""
    draw, seen = random.Random(SEED), Seen()
    with TemporaryDirectory() as folder:
        path, good = Path(folder) / "hostile.har", Path(folder) / "good.har"
        good.write_text(json.dumps(document(draw, 3)))
        for n in range(INPUTS):
            form = pick(draw, FORMS)  # type: ignore[type-var]
            path.write_bytes(form(draw))
            seen.forms[form.__name__] += 1
            try:
                (end, _), seconds = seen.timed(lambda: read(path))
                assert seconds < 1, f"took {seconds:.1f} s"
                if n % EVERY == 0:
                    assert read(good) == ("read whole", 6), "a good file was not read afterwards"
            except Exception as error:
                known = isinstance(error, AssertionError)
                seen.bad(form.__name__, str(error) if known else f"raised {type(error).__name__}")
                continue
            seen.well += 1
            seen.ends[end] += 1
    seen.keep(
        NAMES[0],
        SEED,
        f"each a file on disk through the reader of HAR files, and a good file read whole after every {EVERY}; well "
        "means no exception but BadInput, under 1 s, an error that names the file and says what to do or a note where "
        "anything was left out, no piece of the input in either, and no request lost once it was read",
    )


if __name__ == "__main__":
    main()
