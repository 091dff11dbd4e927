import hashlib
import math
import os
import stat
import string
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.mask import digests, entropies, field_names, host_templates, path_templates, project_key, shapes

VALUES = st.lists(
    st.text(max_size=80)
    | st.text(string.hexdigits + "-_.@é\x00\n \U0001f36a", max_size=120)
    | st.sampled_from(["", "a" * 500, "é" * 200, "-" * 300, "jane@example.com", "1" * 5000]),
    max_size=12,
)
KEY = bytes(range(32))


def slow_shape(text: str) -> str:
    kinds = []
    for byte in text.encode()[: 4 * 48]:
        sign = chr(byte)
        word = "0" if sign.isdigit() and byte < 128 else "a" if byte >= 128 or sign.isalpha() else ""
        kinds.append((word, sign if word == "" and 32 <= byte < 127 else "?" if word == "" else "", byte))
    out, at = "", 0
    while at < len(kinds):
        word, sign, byte = kinds[at]
        run = at
        while run < len(kinds) and (bool(kinds[run][0]) == bool(word)) and (bool(word) or kinds[run][2] == byte):
            run += 1
        letters = {k[0] for k in kinds[at:run]}
        out += (letters.pop() if len(letters) == 1 else "x") if word else sign
        at = run
    return out[:48]


def slow_entropy(text: str) -> float:
    data = text.encode()[:4096]
    return -sum(n / len(data) * math.log2(n / len(data)) for n in Counter(data).values()) if data else 0.0


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([pa.string(), pa.large_string()]))
def test_whole_columns_equal_one_value_at_a_time(values: list[str], kind: pa.DataType) -> None:
    column = pa.array(values, kind)
    assert shapes(column).to_pylist() == [slow_shape(v) for v in values]
    np.testing.assert_allclose(entropies(column), [slow_entropy(v) for v in values], atol=2e-4)
    wanted = [
        int.from_bytes(hashlib.blake2b(v.encode(), digest_size=8, key=KEY).digest(), "little", signed=True)
        for v in values
    ]
    assert digests(column, KEY).tolist() == wanted


def test_parts_of_a_column_and_chunks_are_seen_from_their_start() -> None:
    column = pa.array(["xx", "a-1", "", "b@c.test"])[1:]
    assert shapes(column).to_pylist() == ["a-0", "", "a@a.a"]
    assert entropies(column).tolist() == entropies(pa.array(["a-1", "", "b@c.test"])).tolist()
    assert shapes(pa.chunked_array([["a1"], ["--"]])).to_pylist() == ["x", "-"]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "x-x-x-x-x"), ("jane@example.com", "a@a.a"), ("", ""), ("...", "."),
        ("+49 151 1234567", "+0 0 0"), ("\x00\x01", "??"), ("naïve", "a"), ("GA1.2.33.44", "x.0.0.0"),
    ],
)  # fmt: skip
def test_shapes_of_known_values(text: str, shape: str) -> None:
    assert shapes(pa.array([text])).to_pylist() == [shape]


def test_more_values_than_one_step_of_entropy() -> None:
    values = [f"{n}" for n in range(9_000)]
    np.testing.assert_allclose(entropies(pa.array(values)), [slow_entropy(v) for v in values], atol=1e-5)


def test_digests_depend_on_the_key() -> None:
    column = pa.array(["jane@example.com"])
    assert digests(column, KEY)[0] != digests(column, bytes(32))[0]
    assert len(digests(pa.array([], pa.string()), KEY)) == 0


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("", ""), ("/", "/"), ("/a/b.js", "/a/b.js"), ("/v2/collect", "/v2/collect"), ("/user/12345", "/user/{}"),
        ("/u/3f2504e0-4f89-41d3-9a0c-0305e82c3301/x", "/u/{}/x"), ("/u/jane@example.com", "/u/{}"),
        ("/u/jane%40x", "/u/{}"),
        ("/i/0123456789abcdef0", "/i/{}"), ("/p;jsessionid=A1/x", "/p"), ("/x/Zürich", "/x/{}"),
        ("/geo/52.5200,13.40", "/geo/{}"),
        ("/a/id.12345678.gif", "/a/{}"), ("/s/" + "a" * 40, "/s/{}"), ("/12/34/56", "/{}/{}/{}"), ("/a/12\n", "/a/{}"),
        ("/jquery-3.6.0.min.js", "/jquery-3.6.0.min.js"), ("/a" * 300, ("/a" * 300)[:200]),
    ],
)  # fmt: skip
def test_path_templates(path: str, template: str) -> None:
    assert path_templates([path]) == [template]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("email", "email"), ("user.ext.consent[]", "user.ext.consent[]"), ("@type", "@type"),
        ("a.@context.b", "a.@context.b"),
        ("jane.doe@example.com", "{}"), ("users.jane@example.com[].score", "{}[].score"),
        ("_hjSessionUser_1234567", "_hjSessionUser_{}"),
        ("3f2504e0-4f89-41d3-9a0c-0305e82c3301.n", "{}.n"), ("0123456789abcdef", "{}"), ("+4915112345678", "+{}"),
        ("host.192.168.1.12", "host.{}"), ("_ga_AB12CD34", "_ga_AB12CD34"),
        ("deadbeefcafe", "deadbeefcafe"), ("a[0].b", "a[0].b"),
        ("x." + "y" * 70, "x.{}"), ("jane%40example.com", "{}"), ("tk_" + "Ab3" * 12, "{}"), ("path[12]", "path[12]"),
        ("IABTCF_PublisherCustomPurposesLegitimateInterests", "IABTCF_PublisherCustomPurposesLegitimateInterests"),
    ],
)  # fmt: skip
def test_names_that_are_identifiers_are_not_kept(name: str, kept: str) -> None:
    assert field_names([name]) == [kept]


@settings(deadline=400)
@given(st.text(st.sampled_from("a0@.-_%4[]é") | st.characters(), max_size=200))
def test_templates_never_raise_and_stay_short(text: str) -> None:
    assert len(path_templates(["/" + text])[0]) <= 200
    assert len(field_names([text])[0]) <= len(text) + 2


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    file = tmp_path / "in" / "key"
    old = os.umask(0)
    try:
        key = project_key(file)
    finally:
        os.umask(old)
    assert len(key) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert project_key(file) == key
    monkeypatch.setenv("CONSENTINEL_KEY", "ab" * 32)
    assert project_key(file) == b"\xab" * 32


def test_threads_and_processes_that_start_together_get_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    for n in range(10):
        gate = threading.Barrier(8)

        def make(_: int, n: int = n, gate: threading.Barrier = gate) -> bytes:
            gate.wait()
            return project_key(tmp_path / f"key{n}")

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(make, range(8)))) == 1


@pytest.mark.real
def test_processes_that_start_together_get_one_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    with get_context("spawn").Pool(2) as pool:
        assert len(set(pool.map(project_key, [tmp_path / "key"] * 4, chunksize=1))) == 1


def test_a_key_that_another_process_is_about_to_write_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    file = tmp_path / "key"
    file.touch()
    timer = threading.Timer(0.1, file.write_text, ["cd" * 32])
    timer.start()
    assert project_key(file) == b"\xcd" * 32
    timer.join()


@pytest.mark.parametrize("text", ["jane", "ab" * 31, "zz" * 32, "ab" * 33])
def test_what_is_not_a_key_is_refused_without_repeating_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    (tmp_path / "key").write_text(text)
    with pytest.raises(UsageError, match="64 hexadecimal") as told:
        project_key(tmp_path / "key")
    assert text not in str(told.value)
    monkeypatch.setenv("CONSENTINEL_KEY", text)
    with pytest.raises(UsageError, match="CONSENTINEL_KEY"):
        project_key(tmp_path / "none")


@pytest.mark.parametrize("where", ["folder", "file/key", "binary"])
def test_a_key_that_cannot_be_read_or_made_is_told(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="project key") as told:
        project_key(tmp_path / where)
    assert str(tmp_path) not in str(told.value)


def test_a_full_disk_leaves_no_empty_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSENTINEL_KEY", raising=False)

    def full(handle: int, *_: object) -> object:
        os.close(handle)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(BadInput, match="No space left"):
        project_key(tmp_path / "key")
    assert not (tmp_path / "key").exists()


@pytest.mark.parametrize(
    ("host", "stored"),
    [
        ("cdn.shop.test", "cdn.shop.test"),
        ("4155550123.ads.test", "{}.ads.test"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e.ads.test", "{}.ads.test"),
        ("a.0123456789abcdef0123.b.test", "a.{}.b.test"),
        ("1234567.fls.ads.test", "1234567.fls.ads.test"),
        ("deadbeefdeadbeef.test", "deadbeefdeadbeef.test"),
        ("192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_labels_of_hosts_that_are_identifiers_are_left_out(host: str, stored: str) -> None:
    assert host_templates([host]) == [stored]
