"""Verbs of detect: what a person can ask of live pages and of recorded traffic."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run

__all__ = ["collect", "scan"]


def collect(
    urls: list[str] | None = None,
    *,
    out: Path = Path("runs/collect"),
    url_list: Path | None = None,
    scenarios: str = "no_action,accept,reject",
    repeats: int = 1,
    flow: Path | None = None,
    profiles: Literal["random", "plain"] = "random",
    seed: int | None = None,
    region: str = "EU",
    locale: str = "en-IE",
    workers: int = 4,
    retries: int = 1,
    politeness_s: float = 1.0,
    settle_s: float = 5.0,
    timeout_s: float = 60.0,
    page_mb: int = 100,
    screenshots: bool = False,
    bodies: bool = False,
    allow: str = "",
    allow_private: bool = False,
    any_certificate: bool = False,
    sandbox: bool = True,
    resolver: str = "",
    again: bool = False,
    seal: bool = False,
    project_key_file: Path = Path(".consentinel/key"),
) -> Outcome:
    """Visit live pages in Chromium under consent scenarios and keep what they did as evidence to scan.

    Each visit has a fresh profile. A run that was stopped goes on when the same command is given again.

    Args:
        urls: addresses of pages; what has no scheme is taken for https
        out: folder for the visits, the journal, planted.toml and run.json
        url_list: file with one address a line; # begins a comment
        scenarios: all, or some of no_action, accept, reject, partial, gpc, withdraw, separated by commas
        repeats: visits of each page under each scenario, each with another profile
        flow: file with steps to take on the site, one a line, for example: click "#sign-in"
        profiles: random draws an invented person and device for each visit; plain leaves the device as it is
        seed: number that people and devices are drawn from; a new one is drawn where none is given
        region: region that the visitor is in, for example EU, UK, US-CA
        locale: language that the visitor reads, for example en-IE
        workers: visits at the same time, each in a browser of its own
        retries: further attempts for a visit that may end otherwise next time
        politeness_s: seconds between the starts of two visits of one site
        settle_s: seconds to wait after each action for the page to come to rest
        timeout_s: seconds after which a visit ends as it is
        page_mb: megabytes after which a visit ends as it is
        screenshots: keep a picture of the first and the last page of each visit
        bodies: keep texts of responses, up to 256 kB each
        allow: hosts that may be opened, separated by commas, each with all below it; empty allows every host
        allow_private: open addresses of this machine and of private networks
        any_certificate: accept every certificate, for test servers
        sandbox: use the sandbox of Chromium; containers may need --no-sandbox
        resolver: host resolver rules of Chromium, for test servers
        again: make the visits once more that ended early in an earlier run
        seal: encrypt what is kept of each visit with the project key
        project_key_file: file with the secret of this project; made on first use
    """
    from consentinel.detect.live import collecting

    wishes: dict[str, Any] = {
        "url_list": url_list, "scenarios": scenarios, "repeats": repeats, "flow": flow, "profiles": profiles,
        "seed": seed, "region": region, "locale": locale, "workers": workers, "retries": retries,
        "politeness_s": politeness_s, "settle_s": settle_s, "timeout_s": timeout_s, "page_mb": page_mb,
        "screenshots": screenshots, "bodies": bodies, "allow": allow, "allow_private": allow_private,
        "any_certificate": any_certificate, "sandbox": sandbox, "resolver": resolver, "again": again, "seal": seal,
    }  # fmt: skip
    with Run.open("detect.collect", out, urls=len(urls or []), **wishes) as run:
        plan = collecting.prepare(run, urls or [], project_key_file=project_key_file, **wishes)
        collecting.collect(run, plan)
        return collecting.report(run, plan)


def scan(
    traffic: list[Path],
    *,
    out: Path = Path("runs/scan"),
    planted: Path | None = None,
    policy: Path | None = None,
    region: str = "EU",
    scenario: Literal["unknown", "no_action", "accept", "reject", "partial", "gpc", "withdraw"] = "unknown",
    columns: str = "",
    rules: str = "all",
    baseline: Path | None = None,
    fail_on: Literal["low", "medium", "high", "critical", "never"] = "low",
    formats: str = "all",
    keep_raw: bool = False,
    project_key_file: Path = Path(".consentinel/key"),
) -> Outcome:
    """Find potential violations in recorded traffic and write findings, evidence and reports.

    Args:
        traffic: HAR files (plain, gzip, zstd, zip), request tables (Parquet, CSV, NDJSON), or folders of them
        out: folder for the tables, reports and run.json
        planted: TOML file of known values; any of them leaving is proof
        policy: TOML file that extends or replaces the default policy
        region: region whose rules hold where the traffic does not say, for example EU, UK, US-CA
        scenario: what was done with the consent banner, where the traffic does not say
        columns: column map of a request table, for example url=request_url,time=ts
        rules: all, or names separated by commas; -name leaves one out
        baseline: findings of an earlier scan (JSON, SARIF, Parquet or its folder); only new ones fail
        fail_on: lowest severity of a potential violation that ends in exit code 1
        formats: all, or report formats separated by commas
        keep_raw: keep an encrypted copy of the traffic beside the run, to judge it again later
        project_key_file: file with the secret that digests are keyed with; made on first use
    """
    from consentinel.detect import scanning

    asked = {
        "traffic": traffic, "planted": planted, "policy": policy, "region": region, "scenario": scenario,
        "columns": columns, "rules": rules, "baseline": baseline, "fail_on": fail_on, "formats": formats,
        "keep_raw": keep_raw,
    }  # fmt: skip
    with Run.open("detect.scan", out, **asked) as run:
        plan = scanning.prepare(
            run, traffic, planted=planted, policy=policy, region=region, columns=columns, rules=rules, formats=formats,
            baseline=baseline, keep_raw=keep_raw, project_key_file=project_key_file,
        )  # fmt: skip
        scanned = scanning.scan(run, plan, scenario=scenario, region=region, keep_raw=keep_raw)
        return scanning.report(run, plan, scanned, fail_on=fail_on)
