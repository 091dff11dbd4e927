"""Source (a) finds planted values in every usual form and the identifiers that scripts keep."""

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labels.gather import Gathered, Gatherer
from labels.read import read_visit
from labels.shapes import CLOCK, CONSENT, IDENTIFIER, looks


def gathered(logs: list[Any], folder: Path) -> Gathered:
    gatherer = Gatherer()
    for log in logs:
        gatherer.add(read_visit(log.write(folder)))
    return gatherer.all


def kinds(log: Any, folder: Path) -> set[str]:
    return {kind for _, _, kind in gathered([log], folder).hits if not kind.startswith("?")}


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda v: v["email"], "contact.email"),
        (lambda v: v["email"].upper(), "contact.email"),
        (lambda v: hashlib.sha256(v["email"].encode()).hexdigest(), "contact.email_hashed"),
        (
            lambda v: hashlib.md5(v["email"].upper().encode(), usedforsecurity=False).hexdigest().upper(),
            "contact.email_hashed",
        ),
        (
            lambda v: (
                "em." + base64.b64encode(hashlib.sha1(v["email"].encode(), usedforsecurity=False).digest()).decode()
            ),
            "contact.email_hashed",
        ),
        (lambda v: hashlib.sha512(v["phone"].removeprefix("+").encode()).hexdigest(), "contact.phone_hashed"),
        (lambda v: v["phone"].removeprefix("+"), "contact.phone"),
        (lambda v: v["name"], "contact.name"),
        (lambda v: v["user_id"], "user.id"),
        (lambda v: v["visitor_id"].replace("-", ""), "device.id"),
        (lambda v: v["shared_id"], "device.advertising_id"),
        (lambda v: f"{v['latitude']:.4f}", "location.precise"),
        (lambda v: f"{v['latitude']},{v['longitude']}", "location.precise"),
        (lambda v: f"Chrome/{v['ua_version']}", "device.browser"),
        (lambda v: f"Intel Mac OS X {v['os_version'].replace('.', '_')}", "device.os"),
    ],
)
def test_finds_planted_forms(
    make: Callable[[dict[str, Any]], str], kind: str, new_log: Callable[..., Any], tmp_path: Path
) -> None:
    log = new_log("a.test", "accept", 0)
    log.send(1, "ads-tag", "https://px.ads-tag.test/p", make(log.values).encode())
    assert kinds(log, tmp_path) == {kind}


def test_finds_nothing_in_look_alikes(new_log: Callable[..., Any], tmp_path: Path) -> None:
    log = new_log("a.test", "accept", 0)
    place, digest = log.values["latitude"], hashlib.sha256(b"x").hexdigest()
    other = f"{place + 0.31:.5f} {round(place)} reader@example.com {log.values['cores']} {digest}"
    log.send(1, "ads-tag", "https://px.ads-tag.test/p", other.encode())
    assert kinds(log, tmp_path) == set()


def follow(
    new_log: Callable[..., Any], folder: Path, stored: Callable[[Any], str], sent: Callable[[Any, int], str]
) -> set[str]:
    logs = []
    for repeat in range(6):
        log = new_log("a.test", "accept", repeat)
        log.kept = log.uuid()
        log.page(0)
        log.page(5)
        log.store(0.5, "metrics-sdk", "slot", stored(log))
        for page, t in enumerate((1, 6)):
            log.send(t, "metrics-sdk", "https://in.metrics-sdk.test/p?id=" + sent(log, page))
        logs.append(log)
    return {kind for _, _, kind in gathered(logs, folder).identifier_hits()}


def test_follows_an_identifier_from_storage(new_log: Callable[..., Any], tmp_path: Path) -> None:
    assert follow(new_log, tmp_path, lambda log: f'{{"did":"{log.kept}"}}', lambda log, page: log.kept) == {"device.id"}


def test_what_does_not_last_is_no_identifier(new_log: Callable[..., Any], tmp_path: Path) -> None:
    def once(log: Any, page: int) -> str:
        return log.kept if page == 0 else log.uuid()

    assert follow(new_log, tmp_path, lambda log: f'{{"queue":["{log.kept}"]}}', once) == set()


def test_what_all_visits_share_is_no_identifier(new_log: Callable[..., Any], tmp_path: Path) -> None:
    assert (
        follow(new_log, tmp_path, lambda log: "build-20251001-abcdef12", lambda log, page: "build-20251001-abcdef12")
        == set()
    )


def test_a_clock_is_no_identifier(new_log: Callable[..., Any], tmp_path: Path) -> None:
    assert follow(new_log, tmp_path, lambda log: str(int(log.start)), lambda log, page: str(int(log.start))) == set()


def test_shapes() -> None:
    assert looks("f47ac10b-58cc-4372-a567-0e02b2c3d479") & IDENTIFIER
    assert looks("GA1.1.1045678123.1760000000") & IDENTIFIER
    assert looks("1760000000123") & CLOCK
    assert looks("2025-10-01T10:00:00.000Z") & CLOCK
    assert looks("CQEAAAAAAAAAAAcABBENBCFsAP_gAEPgAAAAKDtX_H__bW9r8X7_aft0eY1P9_j77s") & CONSENT
    assert not looks("1.25.3-beta") & IDENTIFIER
    assert not looks("0.48213749823") & IDENTIFIER
    assert not looks("lighthouse keeper") & IDENTIFIER


def test_a_cookie_of_the_server_is_stored_too(new_log: Callable[..., Any], tmp_path: Path) -> None:
    logs = []
    for repeat in range(6):
        log = new_log("a.test", "accept", repeat)
        cookie = {"cookie": f"theme=dark; sid={log.uuid()}"}
        for t in (0, 5):
            log.page(t)
            log.send(t + 1, "site", "https://a.test/api", headers=cookie)
        logs.append(log)
    found = gathered(logs, tmp_path)
    assert {found.fields.texts()[field] for _, field, _ in found.identifier_hits()} == {"cookie||.sid"}
