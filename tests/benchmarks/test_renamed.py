"""Recordings under other names: the same everywhere, parties stay parties, and values stay."""

import json
from pathlib import Path

import zstandard

from _renamed import Names, hosts, rename, renamed
from consentinel.detect.parties import registrable

URLS = (
    "https://px.ads.example.com/v1/collect?u=https%3A%2F%2Fshop.test%2F&uid=9f3c",
    "https://shop.test/account/12345/list",
    "wss://example.com:8443/",
)
TOLD = '{"domain":"shop.test","uid":"notshop.tested"}'
ABOUT = {"site": "shop.test", "cnames": {"m.shop.test": ["px.ads.example.com"]}}
ENTRIES = [{"request": {"url": url, "postData": {"text": TOLD}}} for url in URLS]
HAR = {"log": {"entries": ENTRIES, "_consentinel": ABOUT}}


def test_hosts_sites_and_words_of_paths_change_and_values_stay() -> None:
    names = Names(hosts(HAR))
    text = json.dumps(renamed(HAR, names))
    for old in ('shop.test"', "example.com", "collect", "account", "/list"):
        assert old not in text
    assert "uid=9f3c" in text
    assert "/12345/" in text
    assert "notshop.tested" in text  # another word that only holds the name


def test_a_site_and_its_hosts_stay_together() -> None:
    told = renamed(HAR, Names(hosts(HAR)))["log"]
    first, second, third = (entry["request"]["url"].split("/")[2] for entry in told["entries"])
    assert registrable(first) == registrable(third.partition(":")[0]) != registrable(second)
    assert third.endswith(":8443")
    ((alias, targets),) = told["_consentinel"]["cnames"].items()
    assert registrable(alias) == told["_consentinel"]["site"] == second
    assert targets == [first]


def test_files_are_renamed_alike_and_can_be_told_back(tmp_path: Path) -> None:
    packed = zstandard.ZstdCompressor().compress(json.dumps(HAR).encode())
    files = [tmp_path / f"shop.test~reject~r0{n}.har.zst" for n in range(2)]
    for file in files:
        file.write_bytes(packed)
    old = rename(files, tmp_path / "out")
    written = sorted((tmp_path / "out").iterdir())
    assert [old[file.name.partition("~")[0]] for file in written] == ["shop.test", "shop.test"]
    assert written[0].read_bytes() == written[1].read_bytes()
    assert set(old.values()) == {"shop.test", "example.com"}
