"""Features of a cookie: the set that CookieBlock published, remade from its description, and ours, which name no host.

Source of the published set: features.json of dibollinger/CookieBlock-Consent-Classifier, by name and description; each
cookie gives its first update and the difference to the second, as there. Remade, not copied: where a description leaves
something open (the order of checks, which delimiters), the plainest reading was taken.
"""

import base64
import difflib
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

__all__ = ["family", "ours", "published", "value_shape"]

Cookie = dict[str, Any]
HOUR, DAY = 3600, 86400
EDGES = (1, HOUR, 12 * HOUR, DAY, 7 * DAY, 31 * DAY, 183 * DAY, 548 * DAY)
LIVES = (60, 600, 1800, HOUR, DAY, 2 * DAY, 7 * DAY, 31 * DAY, 91 * DAY, 181 * DAY, 366 * DAY, 400 * DAY, 731 * DAY)
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([1-5])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
STAMP, URL = re.compile(r"\b1[3-6]\d{8}(\d{3})?\b"), re.compile(r"https?(://|%3A)", re.I)
DATE = re.compile(
    r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}|\b(mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|jun|jul|sep|oct|nov)", re.I
)
PARTS = (r"\d+", r"[0-9a-fA-F]+", r"[A-Za-z]+", r"\w+")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
KIND = ("no_restriction", "lax", "strict")


def entropy(text: str) -> float:
    """Return the Shannon entropy of TEXT in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _packed(text: str) -> int:
    return len(zlib.compress(text.encode("utf-8", "replace")))


def _distance(one: str, two: str) -> int:
    """Return the Levenshtein distance of the first 200 characters of two texts."""
    a, b = np.array([ord(c) for c in one[:200]]), np.array([ord(c) for c in two[:200]])
    steps = np.arange(len(b) + 1)
    row = steps.copy()
    for at, char in enumerate(a, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (b != char))
        row = np.minimum.accumulate(np.concatenate([[at], best]) - steps) + steps
    return int(row[-1])


def _spread(values: Sequence[float]) -> list[float]:
    return [float(np.mean(values)), float(np.std(values))] if values else [0.0, 0.0]


def _value(value: str, terms: list[re.Pattern[str]]) -> list[float]:
    plain = unquote(value)
    try:
        decoded = bool(base64.b64decode(value, validate=True).decode("utf-16")) and len(value) >= 8
    except ValueError:
        decoded = False
    counts = [plain.count(sign) + 1 for sign in ",|#:;&_-."]
    columns = re.split(r"[,|#:;&]", plain)
    uuid = UUID.search(plain)
    try:
        inside = json.loads(plain)
    except ValueError:
        inside = None
    held = [str(x) for x in inside.values()] if isinstance(inside, dict) else []
    letters = re.sub("[^A-Za-z]", "", plain)
    found = [len(value), _packed(value), len(value) - _packed(value), entropy(value), plain != value, decoded]
    found += [isinstance(inside, dict), *counts, len(columns) > 2]
    found += [len(columns) > 2 and any(re.fullmatch(p, c) for c in columns) for p in PARTS]
    found += [any(re.fullmatch(p, c) for c in held) for p in PARTS]
    found += [bool(re.search(p, plain)) and bool(held) for p in ("id", "time", "true|false", "http", r"\d{10}", "uid")]
    found += [bool(re.fullmatch(p, plain)) for p in (r"\d+(\.\d+)?", "[0-9a-fA-F]+", "[A-Za-z]+", r"[A-Za-z_]\w*")]
    found += [letters.isupper(), letters.islower(), not plain.strip()]
    found += [plain.lower() in ("0", "1", "true", "false", "yes", "no", "y", "n", "t", "f")]
    found += [bool(STAMP.search(plain)), bool(DATE.search(plain)), bool(URL.search(plain))]
    found += [bool(uuid) and uuid[1] == str(n) for n in range(1, 6)] if uuid else [0] * 5
    return [float(x) for x in (*found, bool(uuid), *(bool(t.search(plain)) for t in terms))]


def published(rows: Sequence[Cookie], lists: dict[str, list[str]]) -> NDArray[np.float64]:
    """Return CookieBlock's features of ROWS, shape (rows, about 2,130).

    Arguments: rows with name, domain, path and `updates` (each value, expiry, session, http_only, host_only, secure,
    same_site); lists: names, domains, patterns, tokens, terms and vendors, the most frequent first.
    """
    names, domains = ({text: n for n, text in enumerate(lists[key][:500])} for key in ("names", "domains"))
    patterns = [re.compile(text) for text in lists["patterns"][:50]]
    terms = [re.compile(text) for text in lists["terms"][:500]]
    vendors = {(urlsplit(text).hostname or text).removeprefix("www.") for text in lists["vendors"]}
    found = []
    for row in rows:
        domain, name, updates = row["domain"].lstrip("."), row["name"], row["updates"]
        site = ".".join(domain.split(".")[-2:])
        first, values = updates[0], [one["value"] for one in updates]
        pairs = list(pairwise(values))[:5]
        alike = [difflib.SequenceMatcher(None, a[:500], b[:500]).ratio() for a, b in pairs]
        moved = [_distance(a, b) for a, b in pairs]
        wait = [abs(b["expiry"] - a["expiry"]) for a, b in pairwise(updates)]
        top = np.zeros((2, 500))
        for which, at in enumerate((names.get(name), domains.get(domain, domains.get(site)))):
            if at is not None:
                top[which, at] = 1
        line = [bool(p.search(name)) for p in patterns] + [t in name.lower() for t in lists["tokens"][:500]]
        line += [domain in vendors or site in vendors, row["domain"][:1] == ".", first["host_only"], row["path"] != "/"]
        line += [len({one[k] for one in updates}) > 1 for k in ("http_only", "secure", "same_site", "session", "value")]
        line += [any(one > DAY for one in wait), *_spread(alike), *_spread(moved), *_spread([len(v) for v in values])]
        line += [*_spread([_packed(v) for v in values]), *_spread([entropy(v) for v in values])]
        line += [first["http_only"], first["secure"], first["session"], *(first["same_site"] == k for k in KIND)]
        line += [first["expiry"], *(first["expiry"] >= edge for edge in EDGES)]
        line += [wait[0] if wait else 0, alike[0] if alike else -1, moved[0] if moved else -1]
        found.append(np.concatenate([top.ravel(), np.array(line, float), _value(first["value"], terms)]))
    return np.array(found)


def family(name: str) -> str:
    """Return the NAME of a cookie without the numbers in it and without case, so that variants stay together."""
    return re.sub(r"[0-9a-f]{8,}|\d+", "0", name.lower())


def value_shape(value: str) -> str:
    """Return the shape of VALUE: signs as they are, runs of letters by case, runs of digits by their length."""
    text = re.sub(r"[A-Za-z]+", lambda run: "a" if run[0].islower() else "A", unquote(value)[:200])
    return re.sub(r"\d+", lambda run: f"d{min(13, len(run[0]))}", text)


def ours(row: Cookie, *, manager: bool = True) -> list[str]:
    """Return the tokens of a cookie: its name, the shape and words of its value, lifetime and flags; no host.

    Arguments: row with name, first_value, expiry_s, session, http_only, host_only, secure, same_site, path, third, and
    cmp_origin, the consent manager of the site, whose list says what the site calls necessary; MANAGER: use it.
    """
    name, value = row["name"].lower(), row["first_value"] or ""
    words = [word.lower() for word in WORD.findall(row["name"])]
    life = "session" if row["session"] else str(sum(row["expiry_s"] > edge - 30 for edge in LIVES))
    flags = "".join(str(int(row[k])) for k in ("third", "http_only", "host_only", "secure")) + str(row["same_site"])
    found = [f"name:{name}", f"family:{family(name)}", f"life:{life}", f"flags:{flags}", f"both:{flags}{life}"]
    found += [f"w:{w}" for w in words] + [f"b:{a}_{b}" for a, b in pairwise(words)]
    found += [f"start{n}:{name[:n]}" for n in (1, 2, 3, 4, 6)] + [f"hours:{row['expiry_s'] // HOUR}"]
    found += [f"{k}:{row[k]}" for k in ("third", "http_only", "host_only", "secure", "same_site")]
    if manager:
        found += [f"manager:{row['cmp_origin']}", f"declared:{row['cmp_origin']}|{family(name)}|{row['third']}"]
    found += [f"root:{row['path'] == '/'}", f"shape:{value_shape(value)[:30]}", f"length:{len(value)}"]
    found += [f"size:{int(math.log2(len(value) + 1) * 2)}", f"entropy:{int(entropy(value) * 2)}"]
    return found + [f"v:{w.lower()}" for w in re.findall("[A-Za-z]{2,12}", unquote(value)[:300])[:20]]
