"""Who sent a request, when, and under which true state of consent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from labels.attribute import STATES, HostMap, domain_of, sent_things
from labels.read import read_visit


def sent(log: Any, folder: Path) -> list[tuple[str, str, int, tuple[str, ...]]]:
    things = sent_things(read_visit(log.write(folder)))
    return [
        (thing.component, thing.host, thing.page, tuple(STATES[state] for state in thing.states)) for thing in things
    ]


def test_states_follow_what_the_person_did(new_log: Callable[..., Any], tmp_path: Path) -> None:
    log = new_log("a.test", "withdraw", 0)
    log.consent(2, "partial", True, False)
    log.consent(8, "denied", False, False)
    log.lines.append(
        {
            "what": "consent",
            "t": log.start + 2.5,
            "state": "granted",
            "analytics": True,
            "advertising": True,
            "by": "cmp",
        }
    )
    log.page(0)
    for t in (1, 3, 9):
        log.send(t, "metrics-sdk", "https://in.metrics-sdk.test/v1")
    assert [states for component, *_, states in sent(log, tmp_path) if component != "site"] == [
        ("before",) * 3,
        ("granted", "denied", "granted"),
        ("denied",) * 3,
    ]


def test_no_manager_is_no_signal_unless_the_browser_gives_one(new_log: Callable[..., Any], tmp_path: Path) -> None:
    for scenario, state in (("no_action", "none"), ("gpc", "opted_out")):
        log = new_log("a.test", scenario, 0, cmp=None)
        log.send(1, "ads-tag", "https://px.ads-tag.test/")
        assert sent(log, tmp_path)[0][3] == (state,) * 3


def test_components_come_from_stack_bid_or_host(new_log: Callable[..., Any], tmp_path: Path) -> None:
    log = new_log("a.test", "accept", 0)
    log.page(0)
    log.send(1, "ads-tag", "https://px.ads-tag.test/a", named=False)
    log.lines.append(
        {
            "what": "bid",
            "t": log.start + 2,
            "bidder": "one",
            "component": "prebid.js/one",
            "url": "https://bid.one.test/r",
            "data": "",
        }
    )
    log.send(2, "prebid.js", "https://bid.one.test/r?x=1")
    log.send(3, "site", "https://px.ads-tag.test/pixel")
    log.send(4, "ads-tag", "https://a.test/proxy/collect")
    visit = read_visit(log.write(tmp_path))
    hosts = HostMap()
    hosts.learn(visit)
    settled = [hosts.settle(thing.component, thing.host, "a.test") for thing in sent_things(visit)]
    assert settled == ["site", "ads-tag", "prebid.js/one", "ads-tag", "ads-tag"]
    assert hosts.settle("", "nobody.test", "a.test") == "unknown"


def test_page_loads_are_counted(new_log: Callable[..., Any], tmp_path: Path) -> None:
    log = new_log("a.test", "accept", 0)
    log.page(0)
    log.page(5)
    log.send(1, "ads-tag", "https://px.ads-tag.test/")
    log.send(6, "ads-tag", "https://px.ads-tag.test/")
    assert [page for component, _, page, _ in sent(log, tmp_path) if component == "ads-tag"] == [1, 2]


def test_socket_messages_count(new_log: Callable[..., Any], tmp_path: Path) -> None:
    log = new_log("a.test", "accept", 0)
    log.lines.append(
        {
            "what": "send",
            "t": log.start + 1,
            "via": "ws",
            "url": "wss://live.test/",
            "component": "ads-tag",
            "body": "hello",
        }
    )
    (thing,) = sent_things(read_visit(log.write(tmp_path)))
    assert (thing.host, thing.body) == ("live.test", b"hello")


def test_domains() -> None:
    assert [domain_of(host) for host in ("a.b.test", "x.shop.co.uk", "metrics.a.test", "localhost")] == [
        "b.test",
        "shop.co.uk",
        "a.test",
        "localhost",
    ]
