"""The steps of `detect collect`: prepare what was asked, make the visits, report how they ended."""

import asyncio
import os
import random
import re
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from consentinel.core.errors import UsageError
from consentinel.core.run import Outcome, Run
from consentinel.detect import parties
from consentinel.detect.live import browser, fleet
from consentinel.detect.live import steps as flows
from consentinel.detect.live.guard import Guard
from consentinel.detect.live.outcomes import DONE, OUTCOMES
from consentinel.detect.live.profile import pool, to_toml
from consentinel.detect.live.store import PRIVATE, Store, open_store
from consentinel.detect.live.visit import SCENARIOS, Manner, Seen, Task

__all__ = ["VISITED", "Plan", "addresses", "collect", "prepare", "report", "tasks"]

STOPPED = 130  # what a shell reports for a program that Ctrl-C stopped
MOST_WORKERS = 64
_TEXT = pa.dictionary(pa.int32(), pa.string())
VISITED = pa.schema(
    [
        ("run_id", _TEXT), ("visit", pa.string()), ("url", pa.string()), ("host", _TEXT), ("scenario", _TEXT),
        ("repeat", pa.int32()), ("outcome", _TEXT), ("why", pa.string()), ("proof", _TEXT), ("proof_why", pa.string()),
        ("attempts", pa.int32()), ("started", pa.int64()), ("seconds", pa.float32()), ("requests", pa.int32()),
        ("received", pa.int64()),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that was asked for, checked before anything is visited."""

    todo: list[Task]
    every: list[Task]
    manner: Manner
    store: Store
    posts: list[fleet.Post]
    politeness_s: float
    retries: int


def prepare(
    run: Run, urls: list[str], *, url_list: Path | None, scenarios: str, repeats: int, flow: Path | None,
    profiles: str, seed: int | None, region: str, locale: str, workers: int, retries: int, politeness_s: float,
    settle_s: float, timeout_s: float, page_mb: int, screenshots: bool, bodies: bool, allow: str,
    allow_private: bool, any_certificate: bool, sandbox: bool, resolver: str, again: bool, seal: bool,
    project_key_file: Path,
) -> Plan:  # fmt: skip
    """Check every argument, start a browser once for its version, and open the folder of an earlier or a new run."""
    _in_range(repeats=(repeats, 1, 1000), workers=(workers, 1, MOST_WORKERS), retries=(retries, 0, 10))
    _in_range(settle_s=(settle_s, 0.1, 600), timeout_s=(timeout_s, 1, 3600), politeness_s=(politeness_s, 0, 3600))
    _in_range(page_mb=(page_mb, 1, 4096))
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", locale):
        raise UsageError(f"--locale: '{locale}' is no language tag; write for example en-IE")
    wanted = _scenarios(scenarios)
    steps = tuple(flows.read(run.read(flow))) if flow else ()
    every = tasks(addresses(urls, run.read(url_list) if url_list else None), wanted, repeats)
    key = None
    if seal:
        from consentinel.core.extras import need
        from consentinel.core.mask import project_key

        need("cryptography.hazmat.primitives.ciphers.aead", extra="vault")
        key = project_key(project_key_file)
    executable = browser.find(os.environ)
    version = asyncio.run(_version(executable, sandbox))
    manner = {
        "flow": sha256("\n".join(map(str, steps)).encode()).hexdigest()[:16] if steps else "", "profiles": profiles,
        "region": region, "locale": locale, "settle_s": settle_s, "resolver": resolver, "seal": seal, "bodies": bodies,
        "chromium": version.partition(".")[0],
    }  # fmt: skip
    store = open_store(run.out, seed=seed, manner=manner, key=key)
    run.assume(seed=store.seed, chromium=version, profiles=profiles, sandbox=sandbox and not browser.superuser())
    people = pool(store.seed, region=region, locale=locale, version=version, plain=profiles == "plain")
    store.planted(to_toml(people))
    todo = [task for task in every if not store.made(task, again=again)]
    random.Random(store.seed).shuffle(todo)  # the time of day must not tell scenarios apart
    from consentinel import __version__

    return Plan(
        todo, every,
        Manner(
            people, Guard.parse(allow, allow_private=allow_private, resolves=not resolver), region, locale, steps,
            settle_s, timeout_s, page_mb, screenshots, bodies, any_certificate, __version__,
        ),
        store,
        [fleet.Post(executable, resolver=resolver, sandbox=sandbox) for _ in range(max(1, min(workers, len(todo))))],
        politeness_s, retries,
    )  # fmt: skip


def _in_range(**given: tuple[float, float, float]) -> None:
    for name, (value, least, most) in given.items():
        if not least <= value <= most:
            raise UsageError(f"--{name.replace('_', '-')} is a number from {least:g} to {most:g}, got {value:g}")


def _scenarios(text: str) -> list[str]:
    names = [word.strip() for word in text.split(",") if word.strip()]
    unknown = next((name for name in names if name not in SCENARIOS and name != "all"), None)
    if unknown or not names:
        raise UsageError(f"--scenarios: '{unknown or text}' is no scenario; there is: {', '.join(SCENARIOS)}, all")
    return list(SCENARIOS) if "all" in names else list(dict.fromkeys(names))


async def _version(executable: str | None, sandbox: bool) -> str:
    post = fleet.Post(executable, resolver="", sandbox=sandbox)
    try:
        return (await post.browser()).version
    finally:
        await post.close()


def addresses(urls: list[str], url_list: Path | None) -> list[str]:
    """Return the addresses in URLS and in the file URL_LIST (one a line; # begins a comment), each once.

    What has no scheme is taken for https. Raises UsageError naming what is no address, and where.
    """
    given = [("", url) for url in urls]
    if url_list:
        try:
            lines = url_list.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as why:
            raise UsageError(
                f"{url_list.name}: cannot be read ({getattr(why, 'strerror', None) or 'not UTF-8'})"
            ) from None
        given += [(f"{url_list.name}, line {number}: ", line.strip()) for number, line in enumerate(lines, 1)]
    found = [_address(url.partition(" #")[0].strip(), where) for where, url in given if url and not url.startswith("#")]
    if not found:
        raise UsageError("no address was given; name some, or a file of them with --url-list")
    return list(dict.fromkeys(found))


def _address(text: str, where: str) -> str:
    url = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not parts.username
    except ValueError:
        fine = False
    if not fine or any(c.isspace() for c in url):
        raise UsageError(f"{where}'{text[:80]}' is no web address; write for example https://example.com/")
    return url if parts.path else f"{parts.scheme}://{parts.netloc}/{'?' + parts.query if parts.query else ''}"


def tasks(urls: list[str], scenarios: list[str], repeats: int) -> list[Task]:
    """Return the visits of all URLS under all SCENARIOS, REPEATS times, in that order from the inside out."""
    return [
        Task(f"{_name(url)}~{scenario}~r{repeat:02}", url, urlsplit(url).netloc.lower(), scenario, repeat)
        for repeat in range(repeats)
        for scenario in scenarios
        for url in urls
    ]


def _name(url: str) -> str:
    """A file name for URL: its host, and a digest of the rest where it is more than the front page."""
    parts = urlsplit(url)
    host = re.sub(r"[^a-z0-9.-]", "_", parts.netloc.lower())[:100]
    rest = url.partition("#")[0].partition(parts.netloc)[2]
    plain = rest == "/" and parts.scheme == "https"
    return host if plain else f"{host}-{sha256(url.encode()).hexdigest()[:8]}"


def collect(run: Run, plan: Plan) -> None:
    """Make the visits that are still to be made and keep each as it ends; Ctrl-C keeps what is finished."""
    left = len(plan.every) - len(plan.todo)
    if left:
        run.note(f"{left} of {len(plan.every)} visits were made by an earlier run and are kept")
    bar = run.each(range(len(plan.todo)), "visiting")
    next(bar, None)

    async def keep(task: Task, seen: Seen, attempts: int) -> None:
        await asyncio.to_thread(plan.store.keep, task, seen, attempts)
        next(bar, None)

    try:
        asyncio.run(
            fleet.travel(
                plan.todo, plan.manner, keep, posts=plan.posts, site_of=_site, politeness_s=plan.politeness_s,
                retries=plan.retries,
            )
        )  # fmt: skip
    except KeyboardInterrupt:
        run.interrupted = True
        run.note("stopped by the user; run the same command again to go on")


def _site(host: str) -> str:
    return parties.registrable(host.partition(":")[0]) or host


def report(run: Run, plan: Plan) -> Outcome:
    """Keep the table of visits and say how they ended, and what to do next."""
    wanted = {task.name for task in plan.every}
    lines = [line for line in plan.store.lines.values() if line["visit"] in wanted]
    path = run.keep("visits", _table(lines))
    path.chmod(PRIVATE)
    against = sum(line["proof"] == "contradicted" and line["outcome"] == DONE for line in lines)
    if against:
        run.note(f"in {against} visits the consent manager recorded something else than was chosen; see visits.parquet")
    whole = sum(line["outcome"] == DONE for line in lines)
    code = STOPPED if run.interrupted else 0 if whole == len(plan.every) else 3
    tables = {"visits": path, "planted": run.kept(run.out / "planted.toml")}
    return Outcome(run, code, tables, _text(run.out, lines, len(plan.every), whole))


def _table(lines: list[dict[str, Any]]) -> pa.Table:
    rows = [line | {"run_id": None, "started": int(line["started"] * 1e6)} for line in lines]
    return pa.table({f.name: pa.array([row[f.name] for row in rows], _plain(f.type)).cast(f.type) for f in VISITED})


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _text(out: Path, lines: list[dict[str, Any]], wanted: int, whole: int) -> str:
    text = [
        f"{whole} of {wanted} visits are whole.",
        "",
        f"  {'scenario':10}{'verified':>9}{'contradicted':>13}{'unknown':>8}{'ended early':>12}",
    ]
    for scenario in (name for name in SCENARIOS if any(line["scenario"] == name for line in lines)):
        mine = [line for line in lines if line["scenario"] == scenario]
        proofs = Counter(line["proof"] for line in mine if line["outcome"] == DONE)
        early = sum(line["outcome"] != DONE for line in mine)
        text.append(f"  {scenario:10}{proofs['verified']:9}{proofs['contradicted']:13}{proofs['unknown']:8}{early:12}")
    ends = Counter(line["outcome"] for line in lines if line["outcome"] != DONE)
    text += ["", *(f"  {n:5} {name}: {OUTCOMES[name]}" for name, n in ends.most_common())] if ends else []
    if whole:
        text += ["", f"Next: consentinel detect scan {out / 'visits'} --planted {out / 'planted.toml'}"]
    else:
        text += ["", f"No visit is whole; {out / 'visits.parquet'} says of each why."]
    return "\n".join(text)
