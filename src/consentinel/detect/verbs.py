"""Verbs of detect: what a person can ask of recorded traffic."""

from pathlib import Path
from typing import Literal

from consentinel.core.run import Outcome, Run

__all__ = ["scan"]


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
