"""Thresholds that are told: a value with its interval is alarm, watch or calm, and goes to a file or a webhook."""

import json
import math
import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from consentinel.core.errors import BadInput, UsageError
from consentinel.core.stats import wilson
from consentinel.understand.telling.schedule import Alert
from consentinel.understand.telling.tables import Tables

__all__ = ["Reading", "allowed", "deliver", "judged"]

SECONDS = 10  # that a webhook may take
Verdict = Literal["alarm", "watch", "calm", "no data"]


@dataclass(frozen=True)
class Reading:
    """What an alert found: its value with its interval, and what that says of the threshold."""

    verdict: Verdict
    value: float | None
    low: float | None
    high: float | None
    sentence: str


def judged(alert: Alert, tables: Tables) -> Reading:
    """Return what TABLES say of ALERT: alarm where the whole interval is past the limit, watch where the value is.

    A share (columns n and of) has Wilson's interval, a count (column n alone) the score interval of a Poisson mean.
    Raises UsageError where the SQL does not answer with one such row.
    """
    columns, rows = tables.rows(alert.sql)
    if "n" not in columns or len(rows) != 1:
        raise UsageError(f"alert {alert.name}: its SQL answers with one row that has a column n, or n and of")
    row = dict(zip(columns, rows[0], strict=True))
    n, of = row["n"], row.get("of")
    limit, beyond = (alert.above, "above") if alert.above is not None else (alert.below, "below")
    if limit is None or not isinstance(n, int | float) or ("of" in row and not of):
        return Reading("no data", None, None, None, f"{alert.name}: there is nothing to compare.")
    value, low, high = _ends(alert, float(n), None if of is None else float(of))
    past, sure = (value > limit, low > limit) if beyond == "above" else (value < limit, high < limit)
    verdict: Verdict = "alarm" if sure else "watch" if past else "calm"
    around = "" if low == high else f" ({alert.level:.0%} interval {low:,.3g} to {high:,.3g})"
    word = f"is {beyond}" if past else f"is not {beyond}"
    return Reading(verdict, value, low, high, f"{alert.name}: {value:,.3g}{around} {word} {limit:,.3g}.")


def _ends(alert: Alert, n: float, of: float | None) -> tuple[float, float, float]:
    value = n if of is None else n / of
    if alert.interval == "none":
        return value, value, value
    if n < 0 or n % 1 or (of is not None and (of % 1 or n > of)):
        raise UsageError(f'alert {alert.name}: n and of are no counts; say interval = "none"')
    if of is not None:
        found = wilson(int(n), int(of), alert.level)
        return value, found.low, found.high
    z = NormalDist().inv_cdf(0.5 + alert.level / 2)
    middle, half = n + z * z / 2, z * math.sqrt(n + z * z / 4)
    return value, max(0.0, middle - half), middle + half


def allowed(address: str, webhooks: tuple[str, ...]) -> bool:
    """Return whether ADDRESS begins like one of WEBHOOKS (scheme, host and port as a whole) and is safe to post to.

    Outside loopback that is https; an address with a user, a password or ".." in it never is.
    """
    one = urlsplit(address)
    if one.username or one.password or ".." in one.path or not one.hostname or "\\" in address:
        return False
    if one.scheme != "https" and not (one.scheme == "http" and _loopback(one.hostname)):
        return False
    return any(
        (one.scheme, one.hostname, one.port) == (w.scheme, w.hostname, w.port)
        and (one.path == w.path or one.path.startswith(w.path.rstrip("/") + "/"))
        for w in map(urlsplit, webhooks)
    )


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow no redirect: it would lead past the list."""


def deliver(record: dict[str, Any], to: str, webhooks: tuple[str, ...], folder: Path) -> None:
    """Write RECORD to the file, or post it to the webhook, that TO names.

    Raises UsageError for an address that is not on the list, BadInput where it does not arrive.
    """
    line = json.dumps(record, ensure_ascii=False, sort_keys=True)
    if to.startswith("file:"):
        file = folder / to.removeprefix("file:")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as sink:
                sink.write(line + "\n")
                sink.flush()
                os.fsync(sink.fileno())
        except OSError as why:
            raise BadInput(f"cannot be written ({why.strerror or why})", where=file.name, todo="Check 'to'") from None
        return
    if not allowed(to, webhooks):
        raise UsageError("an alert goes to an address that 'webhooks' does not allow; add its beginning there")
    post = Request(to, line.encode(), {"Content-Type": "application/json"}, method="POST")
    try:
        with build_opener(ProxyHandler({}), _Stays).open(post, timeout=SECONDS):
            return
    except HTTPError as why:
        why.close()
        raise BadInput(
            f"the webhook answered {why.code}", where=str(record["alert"]), todo="Check its address"
        ) from None
    except (URLError, OSError, ValueError):
        raise BadInput("the webhook cannot be reached", where=str(record["alert"]), todo="Check its address") from None
