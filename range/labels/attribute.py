"""Says of each request that arrived who sent it, to whom, on which page load and under which true consent."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from labels.decode import address, body_bytes
from labels.read import Visit

STATES = ("none", "before", "granted", "denied", "opted_out")
CATEGORIES = ("analytics", "advertising", "any")
SITE = "site"
NOBODY = "unknown"
# Names that say only that the site's own page or a shared bundle made the call, not on whose behalf.
GENERIC = frozenset((SITE, "prebid.js", "", None))
# Suffixes of two labels under which anybody can register a name; enough for the hosts of adapters.
TWO_LABELS = frozenset(
    f"{second}.{top}"
    for second, tops in {
        "co": "uk jp kr nz za in il id th",
        "com": "au br cn mx tr tw sg hk ar co ua my vn",
        "org": "uk au",
        "net": "au",
        "ne": "jp",
        "or": "jp kr",
        "ac": "uk jp",
        "gov": "uk",
    }.items()
    for top in tops.split()
)


def domain_of(host: str) -> str:
    """Return the registrable domain of HOST."""
    parts = host.split(".")
    keep = 3 if ".".join(parts[-2:]) in TWO_LABELS else 2
    return ".".join(parts[-keep:])


@dataclass(slots=True)
class Sent:
    """One thing that left: a request that arrived, or a message on a socket."""

    host: str
    url: str
    component: str  # as truth tells it; generic names are settled later, when every visit is known
    t: float
    page: int
    states: tuple[int, int, int]  # index into STATES, for each of CATEGORIES
    headers: dict[str, Any]
    body: bytes


@dataclass(slots=True)
class HostMap:
    """Which component a host belongs to: told by the visits, or learned where all vendor sends to it are of one."""

    told: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def learn(self, visit: Visit) -> None:
        """Take up what VISIT tells of hosts and senders."""
        for entry in visit.meta["components"]:
            for host in entry.get("hosts", ()):
                self.told[host] = entry["component"]
        for event in (*visit.lines["send"], *visit.lines["bid"], *visit.lines["request"]):
            component = event.get("component")
            if component not in GENERIC and (host := address(event.get("url") or "")[0]):
                self.counts[host][str(component)] += 1

    def owner(self, host: str, site: str) -> str | None:
        """Return the component that alone stands behind HOST, None where that is not known or it is the site's own."""
        if host in self.told:
            return self.told[host]
        counts = self.counts.get(host)
        if not counts or domain_of(host) == domain_of(site):
            return None
        component, most = counts.most_common(1)[0]
        return component if most >= 0.9 * counts.total() else None

    def settle(self, component: str, host: str, site: str) -> str:
        """Return the component to name for a send of COMPONENT to HOST on SITE."""
        if component not in GENERIC:
            return component
        return self.owner(host, site) or component or (SITE if domain_of(host) == domain_of(site) else NOBODY)


class ConsentTimeline:
    """The true state of consent by time: what the person did, told by the lines `by: act` where there are any."""

    def __init__(self, visit: Visit) -> None:
        lines = [line for line in visit.lines["consent"] if line.get("by") == "act"] or visit.lines["consent"]
        self.times = [line["t"] for line in lines]
        self.known = visit.meta.get("cmp") is not None
        self.states = [self._state(line) for line in lines]

    def _state(self, line: dict[str, Any]) -> tuple[int, int, int]:
        if line["state"] == "opted_out":
            return (STATES.index("opted_out"),) * 3
        if not self.known:
            return (STATES.index("none"),) * 3
        if line["state"] == "unset":
            return (STATES.index("before"),) * 3
        analytics, advertising = bool(line.get("analytics")), bool(line.get("advertising"))
        granted, denied = STATES.index("granted"), STATES.index("denied")
        return tuple(granted if flag else denied for flag in (analytics, advertising, analytics or advertising))  # type: ignore[return-value]

    def at(self, t: float) -> tuple[int, int, int]:
        """Return the state at time T for each of CATEGORIES."""
        place = bisect_right(self.times, t) - 1
        if place >= 0:
            return self.states[place]
        # A request that a clock puts ahead of the first line was made under what that says, unless it is a choice.
        if self.states and self.states[0][0] in (STATES.index("none"), STATES.index("opted_out")):
            return self.states[0]
        return (STATES.index("before" if self.known else "none"),) * 3


def _without_hash(url: str) -> str:
    return url.partition("#")[0]


def _page_loads(visit: Visit) -> list[float]:
    """Return when the pages of the site were asked for."""
    times = []
    for request in visit.lines["request"]:
        headers = {name.lower(): str(value) for name, value in request.get("headers", {}).items()}
        if address(request["url"])[0] != visit.meta["site"]:
            continue
        dest = headers.get("sec-fetch-dest")
        if dest == "document" or (dest is None and headers.get("accept", "").startswith("text/html")):
            times.append(request["t"])
    return times


def _bid_owner(visit: Visit) -> dict[str, str]:
    owners: dict[str, str] = {}
    for bid in visit.lines["bid"]:
        if url := bid.get("url"):
            for key in (_without_hash(url), url.split("?")[0]):
                owners.setdefault(key, bid.get("component") or f"prebid.js/{bid['bidder']}")
    return owners


def _behind(visit: Visit, url: str) -> tuple[str, str | None]:
    """Return who really gets a request to URL, and for whom: a name or a path of the site may lead to a vendor."""
    host, path, _ = address(url)
    for name, targets in visit.meta.get("cnames", {}).items():
        if host == name and targets:
            return targets[0], None
    for relay in visit.meta.get("relays", ()):
        if host == visit.meta["site"] and path.startswith(f"{relay['path']}/"):
            return relay["recipient"], relay["component"]
    return host, None


def sent_things(visit: Visit) -> Iterable[Sent]:
    """Yield what left in VISIT, each with who, whom, when, page load and state of consent."""
    timeline, loads, bids = ConsentTimeline(visit), _page_loads(visit), _bid_owner(visit)
    sends: dict[str, deque[dict[str, Any]]] = defaultdict(deque)
    for send in visit.lines["send"]:
        sends[_without_hash(send["url"])].append(send)

    def made(line: dict[str, Any], component: str | None, t: float, headers: dict[str, Any], body: bytes) -> Sent:
        url = _without_hash(line["url"])
        if component in GENERIC:
            component = bids.get(url) or bids.get(url.split("?")[0]) or component
        host, owner = _behind(visit, url)
        return Sent(host, url, owner or component or "", t, bisect_right(loads, t), timeline.at(t), headers, body)

    for request in visit.lines["request"]:
        waiting = sends.get(_without_hash(request["url"]))
        asked = waiting.popleft() if waiting and waiting[0]["t"] <= request["t"] + 1.0 else {}
        component = request.get("component")
        if component in GENERIC:
            component = asked.get("component") or component
        body = body_bytes(request) or body_bytes(asked)
        t = min(request["t"], asked.get("t", request["t"]))
        yield made(request, component, t, request.get("headers", {}), body)
    for send in visit.lines["send"]:
        if send.get("via") == "ws":
            yield made(send, send.get("component"), send["t"], {}, body_bytes(send))
