"""The committed slice of the range: whole, small, and judged as its labels say."""

import hashlib
import json
from pathlib import Path

import duckdb
import pytest
import zstandard

from consentinel.detect.verbs import scan

SLICE = Path(__file__).parent / "slice"
KNOWN = {  # property of the profile: data type
    "email": "contact.email", "user_id": "user.id", "visitor_id": "device.id", "shared_id": "device.advertising_id",
}  # fmt: skip


def visits(*sites: str) -> list[Path]:
    return [f for f in sorted((SLICE / "visits").glob("*.har.zst")) if f.name.partition("~")[0] in sites]


def planted(folder: Path, *sites: str) -> Path:
    """Write the planted values of the visits to SITES, so that the test looks for no others."""
    values: set[tuple[str, str]] = set()
    for file in visits(*sites):
        truth = SLICE / "truth" / file.name.replace(".har.zst", ".truth.ndjson.zst")
        text = zstandard.ZstdDecompressor().stream_reader(truth.read_bytes()).read().decode()
        told = next(line for line in map(json.loads, text.splitlines()) if line["what"] == "visit")
        values |= {(kind, told["profile"]["values"][name]) for name, kind in KNOWN.items()}
    blocks = [
        f'[[planted]]\nid = "v{n}"\ntype = "{kind}"\nvalue = "{value}"\n'
        for n, (kind, value) in enumerate(sorted(values))
    ]
    target = folder / "planted.toml"
    target.write_text("\n".join(blocks), "utf-8")
    return target


def test_the_slice_is_whole_and_small() -> None:
    manifest = json.loads((SLICE / "manifest.json").read_text("utf-8"))
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((SLICE / name).read_bytes()).hexdigest() == digest, name
    assert sum(file.stat().st_size for file in SLICE.rglob("*") if file.is_file()) < 4_000_000


def test_clean_sites_stay_clean(tmp_path: Path) -> None:
    sites = ("clay-and-co.test", "eastgate-library.test", "knot-forum.test", "millbrook-library.test")
    assert len(visits(*sites)) > 10
    scan(visits(*sites), out=tmp_path / "out", project_key_file=tmp_path / "key", formats="json")
    found = duckdb.sql(
        f"""select subject, recipient, type, rule from '{tmp_path}/out/findings.parquet'
        where outcome = 'potential violation' and rule <> 'storage_before_consent'"""
    ).fetchall()
    assert found == []


def test_findings_of_a_site_that_ignores_refusals_are_those_of_the_labels(tmp_path: Path) -> None:
    site = "brightlamp.test"
    lists = planted(tmp_path, site)
    scan(visits(site), out=tmp_path / "out", planted=lists, project_key_file=tmp_path / "key", formats="json")
    claimed = set(
        duckdb.sql(
            f"""select distinct cast(type as varchar), cast(consent_state as varchar), cast(recipient as varchar)
            from '{tmp_path}/out/findings.parquet'
            where outcome = 'potential violation' and proof = 'P0' and rule <> 'storage_before_consent'"""
        ).fetchall()
    )
    told = duckdb.sql(
        f"""select distinct type, consent_state, recipient from '{SLICE}/labels.parquet'
        where site = '{site}' and violation = 'yes' and planted and type in {tuple(KNOWN.values())}"""
    ).fetchall()
    same = [(kind, state, host) for kind, state, host in told if any((kind, state, d) in claimed for d in ends(host))]
    assert len(told) >= 10
    assert len(same) >= 0.8 * len(told)
    wrong = [c for c in claimed if not any((c[0], c[1]) == (k, s) and c[2] in ends(h) for k, s, h in told)]
    assert len(wrong) <= 0.1 * len(claimed)  # a planted value that only our decoder reaches is none of the labels'


def ends(host: str) -> list[str]:
    """Return HOST and the domains above it."""
    parts = host.split(".")
    return [".".join(parts[at:]) for at in range(len(parts) - 1)]


@pytest.mark.parametrize("name", ["train", "test"])
def test_no_family_is_on_both_sides(name: str) -> None:
    other = {"train": "test", "test": "train"}[name]
    rows = duckdb.sql(
        f"""select distinct family from '{SLICE}/labels.parquet' where "group" = '{name}' and split = '{other}'"""
    ).fetchall()
    assert rows == []
