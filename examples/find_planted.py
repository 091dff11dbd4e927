"""Plant an e-mail address, send its SHA-256 inside base64, and find it again: proof instead of a guess."""

import base64
import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from consentinel.detect.verbs import scan

EMAIL = "Reader.7d1c40e9a2b85f63c07e91d4@example.com"  # many random characters: a chance match is out of the question
PLANTED = f'[[planted]]\nid = "sign-in"\ntype = "contact.email"\nvalue = "{EMAIL}"\n'


def leak() -> dict[str, object]:
    """Return a HAR with one request that carries the hash of the lower-cased address, wrapped in JSON and base64."""
    inner = json.dumps({"event": "login", "h": hashlib.sha256(EMAIL.lower().encode()).hexdigest()})
    url = f"https://collect.metrics.test/e?d={base64.urlsafe_b64encode(inner.encode()).decode()}"
    page = {"id": "page", "title": "https://shop.test/account", "startedDateTime": "2025-10-09T10:00:00Z"}
    entry = {"pageref": "page", "startedDateTime": "2025-10-09T10:00:01Z", "request": {"method": "GET", "url": url}}
    return {"log": {"version": "1.2", "pages": [page], "entries": [entry]}}


def main() -> dict[str, object]:
    """Scan the leak as a visit on which consent was refused; return what the finding and its datum say."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "visit.har").write_text(json.dumps(leak()))
        (folder / "planted.toml").write_text(PLANTED)
        outcome = scan(
            [folder / "visit.har"], out=folder / "run", planted=folder / "planted.toml", scenario="reject",
            formats="json", project_key_file=folder / "key",
        )  # fmt: skip
        [finding] = pq.read_table(outcome.tables["findings"]).to_pylist()
        data = pq.read_table(folder / "run" / "data.parquet").to_pylist()
    [datum] = [row for row in data if row["planted_id"] == "sign-in"]
    told = {name: finding[name] for name in ("outcome", "proof", "type", "recipient", "consent_state")}
    return told | {name: datum[name] for name in ("decode_path", "planted_form", "matched_bits")}


if __name__ == "__main__":
    for name, value in main().items():
        print(f"{name:14} {value}")
