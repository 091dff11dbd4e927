"""A small HAR with planted values in every place of a request, and how to scan it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from consentinel.core.run import Outcome
from consentinel.detect.verbs import scan

# Synthetic values that have to stay out of everything that a scan writes.
SECRETS = {
    "uid": "3f9c1b62-8d4e-4a57-9b0c-71e2d5a6f813",
    "email": "reader.q7w2e9r4@example.com",
    "path": "9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d",
    "cookie": "GA1.1.7710933126.1759990000",
    "latitude": "48.858370913",
    "stored": "visitor-5c0ffee5ca1ab1e7",
    "phone": "+33 6 55 01 99 42",
}
FORM = "application/x-www-form-urlencoded"
TRACKER, ADS, SITE = "https://collect.hotjar.com", "https://ib.adnxs.com", "https://www.shop.test"


def entry(url: str, second: int, **more: Any) -> dict[str, Any]:
    """Return one entry of the page that starts at second 0."""
    headers = more.pop("headers", [])
    request = {"method": more.pop("method", "GET"), "url": url, "headers": headers, **more.pop("request", {})}
    return {
        "startedDateTime": f"2025-10-09T10:00:{second:02d}.000Z",
        "pageref": "p1",
        "request": request,
        "response": {"status": 200, "headers": more.pop("answer", [])},
        **more,
    }


def leaking(secrets: dict[str, str] = SECRETS) -> dict[str, Any]:
    """Return a HAR in which SECRETS leave in a query, a path, a cookie, a header, a form, JSON and storage."""
    position = {"user": {"email": secrets["email"], "phone": secrets["phone"]}, "lat": float(secrets["latitude"])}
    entries = [
        entry(f"{SITE}/", 0),
        entry(f"{TRACKER}/v1?uid={secrets['uid']}&email={secrets['email']}&sr=1920x1080", 1),
        entry(f"{ADS}/u/{secrets['path']}/p.gif", 2, headers=[{"name": "Cookie", "value": f"_ga={secrets['cookie']}"}]),
        entry(
            f"{TRACKER}/v1/e", 3, method="POST",
            request={"postData": {"mimeType": "application/json", "text": json.dumps(position)}},
            _initiator={"type": "script", "url": f"{SITE}/t/{secrets['path']}.js?u={secrets['uid']}", "lineNumber": 4},
            answer=[{"name": "Set-Cookie", "value": f"hjid={secrets['uid']}; Max-Age=31536000"}],
        ),
        entry(
            f"{ADS}/form", 4, method="POST", headers=[{"name": "Referer", "value": f"{SITE}/?e={secrets['email']}"}],
            request={"postData": {"mimeType": FORM, "text": f"external_id={secrets['uid']}"}},
        ),
    ]  # fmt: skip
    meta = {
        "site": "shop.test", "scenario": "reject", "scenario_proof": "verified", "region": "EU",
        "consent": [
            {"time": "2025-10-09T10:00:00.000Z", "state": "unset"},
            {"time": "2025-10-09T10:00:02.500Z", "state": "denied"},
        ],
        "storage": [
            {"kind": "local", "key": "vid", "value": secrets["stored"], "time": "2025-10-09T10:00:01Z", "origin": SITE},
        ],
    }  # fmt: skip
    pages = [{"id": "p1", "title": f"{SITE}/?e={secrets['email']}", "startedDateTime": "2025-10-09T10:00:00.000Z"}]
    return {"log": {"version": "1.2", "pages": pages, "entries": entries, "_consentinel": meta}}


def quiet(scenario: str = "accept", state: str = "granted") -> dict[str, Any]:
    """Return a HAR of the same site that sends one identifier under a consent state."""
    told = leaking()
    log = told["log"]
    log["entries"] = [entry(f"{SITE}/", 0), entry(f"{TRACKER}/v1?uid={SECRETS['uid']}", 1)]
    log["pages"][0]["title"] = f"{SITE}/"
    at = {"time": "2025-10-09T10:00:00.000Z", "state": state}
    log["_consentinel"] |= {"scenario": scenario, "consent": [at], "storage": []}
    return told


def bare(har: dict[str, Any]) -> dict[str, Any]:
    """Return HAR without what our own recorder adds."""
    del har["log"]["_consentinel"]
    return har


def write(path: Path, har: dict[str, Any]) -> Path:
    """Write HAR to PATH and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(har), "utf-8")
    return path


def scanned(folder: Path, *traffic: Path, **asked: Any) -> Outcome:
    """Scan TRAFFIC into FOLDER/out with a key of its own."""
    asked = {"out": folder / "out", "project_key_file": folder / "key", **asked}
    return scan(list(traffic), **asked)


def findings(folder: Path) -> list[dict[str, Any]]:
    """Return the findings that a scan kept in FOLDER."""
    return pq.read_table(folder / "findings.parquet").to_pylist()


def record(folder: Path) -> dict[str, Any]:
    """Return run.json of a scan into FOLDER."""
    told: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))
    return told
