"""Rebuild src/consentinel/detect/data/parties.csv from pinned npm packages; the same versions give the same bytes.

Usage: python tools/refresh_parties.py [--check]     (needs npm; --check writes nothing and exits 1 on a change)

Sources, the later ones filling what the earlier ones leave open:
1. parties_own.csv, rows of this project: corrections and well-known hosts that the packages lack.
2. third-party-web (MIT): entity, company, category and domains.
3. prebid.js (Apache-2.0): metadata/modules/*.json names each component's id on the IAB Global Vendor List and the
   address of its storage disclosure; modules/* holds the addresses that an adapter calls.
A vendor id is given to a site only where exactly one vendor claims it: by the site its disclosure lies on, else
by being the only vendor whose adapters call it. Where two adapters with different ids call one site, it gets none.
"""

import argparse
import csv
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from consentinel.detect.parties import PURPOSE, registrable

PINNED = {"third-party-web": "0.30.0", "prebid.js": "11.36.0"}
HERE = Path(__file__).parent
TARGET = HERE.parent / "src" / "consentinel" / "detect" / "data" / "parties.csv"
COLUMNS = ("domain", "owner", "category", "vendor_id", "source")

# Portals, shops, operators and public services: an advert host under them does not make the whole site one.
PORTALS = {
    *("allegro.pl", "allegrostatic.com", "comparisons.org", "dailyhunt.in", "disqus.com", "gjirafa.com", "hinet.net"),
    *("loc.kr", "mail.ru", "mall.tv", "media-amazon.com", "mql5.com", "ocdn.eu", "opera.com", "otto.de", "plug.it"),
    *("prismamedia.com", "publicgood.com", "qt.io", "redtram.com", "sape.ru", "telkomsel.com", "wp.pl", "yahoo.com"),
}
NOT_PARTIES = {"prebid.org", "github.com", "w3.org", "iabtechlab.com", "iabeurope.eu", "example.com", "google.com"}
LENT = {"cdn", "hosting"}  # whoever calls these, they stay the room of somebody else
URL = re.compile(r"""["'`](?:https?:)?//([^/'"`\s?#\\:]+)""")
KIND = {"bidder": "ad", "userId": "ad", "rtd": "ad", "analytics": "analytics"}


class Row(NamedTuple):
    owner: str = ""
    category: str = ""
    vendor_id: int | None = None
    source: str = ""


def download(folder: Path) -> dict[str, Path]:
    """Fetch the pinned packages by npm into FOLDER and return where each one lies; no script of theirs is run."""
    found = {}
    for name, version in PINNED.items():
        command = ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(folder / f"{name}-{version}.tgz") as archive:
            archive.extractall(folder / name, filter="data")
        found[name] = folder / name / "package"
    return found


def entities(package: Path) -> dict[str, Row]:
    """Return the rows of third-party-web by domain."""
    rows = {}
    for entity in json.loads((package / "dist" / "entities-nostats.json").read_text("utf-8")):
        if entity["category"] not in PURPOSE:
            raise SystemExit(f"third-party-web: new category '{entity['category']}'; give it a purpose in parties.py")
        for domain in entity["domains"]:
            owner = entity.get("company") or entity["name"]
            rows[domain.lower()] = Row(owner, entity["category"], None, "third-party-web")
    return rows


def called(text: str) -> set[str]:
    """Return the hosts of the addresses written in the JavaScript TEXT outside comments; a ${part} becomes "x"."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"(?m)^\s*//.*$", "", text)
    hosts = {re.sub(r"\$\{[^}]*\}?", "x", host).lower() for host in URL.findall(text)}
    return {host for host in hosts if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}", host)}


class Adapters(NamedTuple):
    """What prebid.js says: vendors by site of their disclosure, vendors by site called (0: several), kinds by site."""

    disclosed: dict[str, set[int]]
    calls: dict[str, set[int]]
    kinds: dict[str, set[str]]
    hosts: dict[str, set[str]]


def adapters(package: Path) -> Adapters:
    """Read the metadata and the module sources of prebid.js."""
    found = Adapters(defaultdict(set), defaultdict(set), defaultdict(set), defaultdict(set))
    for path in sorted((package / "metadata" / "modules").glob("*.json")):
        components = json.loads(path.read_text("utf-8"))["components"]
        for part in components:
            address = part.get("disclosureURL") or ""
            if part.get("gvlid") and address.startswith("http"):
                host = urlsplit(address).hostname or ""
                found.disclosed[registrable(host)].add(int(part["gvlid"]))
                found.hosts[registrable(host)].add(host)
        vendors = {int(part["gvlid"]) for part in components if part.get("gvlid")}
        names = (f"{path.stem}.js", f"{path.stem}.ts", f"{path.stem}/index.js", f"{path.stem}/index.ts")
        source = next((p for n in names if (p := package / "modules" / n).is_file()), None)
        for host in called(source.read_text("utf-8")) if source else ():
            site = registrable(host)
            if site.startswith("x.") or site in NOT_PARTIES:  # a computed name, or documentation
                continue
            found.hosts[site].add(host)
            found.kinds[site] |= {KIND[part["componentType"]] for part in components if part["componentType"] in KIND}
            found.calls[site] |= vendors if len(vendors) == 1 else {0} if vendors else set()
    return found


def build(packages: dict[str, Path]) -> dict[str, Row]:
    """Join the three sources into rows by domain."""
    with (HERE / "parties_own.csv").open(encoding="utf-8", newline="") as file:
        own = {r["domain"]: Row(r["owner"], r["category"], None, "consentinel") for r in csv.DictReader(file)}
    rows = entities(packages["third-party-web"]) | own
    prebid = adapters(packages["prebid.js"])
    of_site: dict[str, list[str]] = defaultdict(list)
    for domain in rows:
        of_site[registrable(domain.removeprefix("*."))].append(domain)

    vendor: dict[str, tuple[int, str]] = {}
    for sites, source in ((prebid.calls, "prebid.js adapter"), (prebid.disclosed, "prebid.js disclosure")):
        for site, ids in sites.items():
            lent = {rows[d].category for d in of_site[site]} & LENT
            rented_out = f"*.{site}" not in rows and registrable(f"a.{site}") != site  # a public suffix itself
            if len(ids) == 1 and 0 not in ids and not lent and not rented_out:
                vendor[site] = (next(iter(ids)), source)

    # A company with one disclosed vendor id carries it on its other advertising domains (criteo.com, criteo.net).
    company: dict[str, set[int]] = defaultdict(set)
    for site, ids in prebid.disclosed.items():
        for domain in of_site[site]:
            company[rows[domain].owner] |= ids
    owner_of: dict[int, set[str]] = {}
    for owner, ids in company.items():
        if len(ids) == 1:
            owner_of.setdefault(next(iter(ids)), set()).add(owner)

    for domain, row in list(rows.items()):
        site = registrable(domain.removeprefix("*."))
        known = vendor.get(site)
        if known and (site not in PORTALS or row.category == "ad"):
            rows[domain] = row._replace(vendor_id=known[0], source=f"{row.source} + {known[1]}")
        elif not known and row.category == "ad" and len(company[row.owner]) == 1:
            rows[domain] = row._replace(vendor_id=min(company[row.owner]), source=f"{row.source} + prebid.js company")

    for site in sorted({*vendor, *prebid.kinds}):
        if of_site[site] or registrable(f"a.{site}") != site:
            continue
        number, source = vendor.get(site, (None, "prebid.js adapter"))
        owners = owner_of.get(number, set()) if number else set()
        kinds = prebid.kinds.get(site) or {"ad"}
        row = Row(min(owners) if len(owners) == 1 else "", "ad" if "ad" in kinds else min(kinds), number, source)
        for domain in sorted(prebid.hosts[site]) if site in PORTALS else [f"*.{site}"]:
            rows.setdefault(domain, row)

    # Where all rows of a site name one owner, the rest of the site is theirs too; for which purpose is not known. One
    # host under a site is not enough (it may be a customer of it), unless it is the site itself or its www.
    for site, domains in of_site.items():
        owners = {rows[d].owner for d in domains}
        enough = len(domains) > 2 or not {site, f"www.{site}"}.isdisjoint(domains)
        if enough and len(owners) == 1 and f"*.{site}" not in rows and registrable(f"a.{site}") == site:
            number, source = vendor.get(site, (None, "")) if site not in PORTALS else (None, "")
            rows[f"*.{site}"] = Row(min(owners), "", number, " + ".join(filter(None, ("same site", source))))
    return rows


def written(rows: dict[str, Row]) -> str:
    """Return ROWS as CSV text, sorted by domain."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(COLUMNS)
    out.writerows((domain, *(("" if v is None else v) for v in rows[domain])) for domain in sorted(rows))
    return text.getvalue()


def summary(old: str, new: str) -> str:
    """Return how many domains the table knows and what changed between the CSV texts OLD and NEW."""
    before, after = ({r["domain"]: r for r in csv.DictReader(io.StringIO(text))} for text in (old, new))
    filled = Counter(column for row in after.values() for column in COLUMNS[1:4] if row[column])
    changed = sorted(d for d in after.keys() & before.keys() if after[d] != before[d])
    lines = [
        f"{len(after)} domains: {filled['owner']} with an owner, {filled['category']} with a category, "
        f"{filled['vendor_id']} with a TCF vendor id ({len({r['vendor_id'] for r in after.values()} - {''})} vendors)",
        f"against the table there is: {len(after.keys() - before.keys())} added, "
        f"{len(before.keys() - after.keys())} removed, {len(changed)} changed",
    ]
    lines += [f"  + {d}" for d in sorted(after.keys() - before.keys())[:10]]
    lines += [f"  - {d}" for d in sorted(before.keys() - after.keys())[:10]]
    lines += [f"  ~ {d}: {list(before[d].values())[1:]} -> {list(after[d].values())[1:]}" for d in changed[:10]]
    return "\n".join(lines)


def main() -> int:
    """Refresh the table, or with --check only compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the table would change")
    only_check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        new = written(build(download(Path(folder))))
    old = TARGET.read_text("utf-8") if TARGET.exists() else ",".join(COLUMNS) + "\n"
    print(summary(old, new))
    if not only_check:
        TARGET.write_text(new, "utf-8", newline="\n")
    return int(only_check and new != old)


if __name__ == "__main__":
    sys.exit(main())
