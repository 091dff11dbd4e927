"""Verbs of detect: what a person can ask of live pages and of recorded traffic."""

from pathlib import Path
from typing import Any, Literal

from consentinel.core.run import Outcome, Run
from consentinel.core.state import shown

__all__ = ["collect", "evaluate", "review", "scan", "train"]


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
        repeats: visits of each page under each scenario, each with another profile; planted values show in one, what is
            told by differences between visits needs 24
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


def evaluate(
    visits: Path,
    *,
    labels: Path,
    out: Path = Path("runs/evaluate"),
    judge: str = "claim_model",
    model: Path | None = None,
    group: Literal["train", "test"] = "train",
    policy: Path | None = None,
    region: str = "EU",
    seed: int = 20,
) -> Outcome:
    """Hold a judge of claims against labels: accuracy, how often it decides, and the risk-coverage curve.

    Args:
        visits: folder that `detect scan` wrote
        labels: folder with labels.parquet, as the proving range makes it
        out: folder for the units, the curve, the page and run.json
        judge: judge on the shelf, for example claim_rules, claim_filter_list, claim_logistic, claim_model
        model: model file for the judge; none takes the one that ships with the package, where the judge needs one
        group: which sites of the labels count
        policy: TOML file that extends or replaces the default policy
        region: region whose rules hold where the traffic does not say
        seed: number that bootstrap draws follow
    """
    from consentinel.detect import learning

    asked = {
        "visits": visits, "labels": labels, "judge": judge, "model": model, "group": group, "policy": policy,
        "region": region, "seed": seed,
    }  # fmt: skip
    with Run.open("detect.evaluate", out, **asked) as run:
        return learning.evaluate(
            run, visits, labels=labels, judge=judge, model=model, group=group, policy=policy, region=region, seed=seed
        )


def review(
    scan: Path | None = None,
    *,
    out: Path = Path("runs/review"),
    reviews: str = ".consentinel/reviews.sqlite",
    decisions: Path | None = None,
    reviewer: str = "",
    limit: int = 0,
) -> Outcome:
    """Take decisions about findings in, and list what is left to decide, the most worthwhile first.

    One decision closes all findings of the same rule, recipient, data, consent state, fields and law, on every site and
    in every later scan, until the rule or the model changes or the waiver ends.

    Args:
        scan: folder of a scan whose findings are to be reviewed
        out: folder for the queue, the labels, the journal and run.json
        reviews: where decisions are kept, a file or postgresql://USER@HOST/DATABASE; made on first use
        decisions: the queue with decisions filled in (CSV or JSON), to take in first
        reviewer: role that speaks for decisions that name none, for example privacy counsel
        limit: claims to list at most; 0 lists all
    """
    from consentinel.detect.reviews import reviewing
    from consentinel.detect.reviews.memory import reviews_at

    asked = {
        "scan": scan, "reviews": shown(reviews), "decisions": decisions, "reviewer": reviewer, "limit": limit,
    }  # fmt: skip
    with Run.open("detect.review", out, **asked) as run, reviews_at(reviews) as state:
        return reviewing.review(run, state, scan, decisions=decisions, reviewer=reviewer, limit=limit)


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
    reviews: str = "",
    models: str = "none",
    fail_on: Literal["low", "medium", "high", "critical", "never"] = "low",
    formats: str = "all",
    keep_raw: bool = False,
    project_key_file: Path = Path(".consentinel/key"),
) -> Outcome:
    """Find potential violations in recorded traffic and write findings, evidence and reports.

    Args:
        traffic: HAR files (plain, gzip, zstd, zip), tables of requests or of app studies, or folders of them
        out: folder for the tables, reports and run.json
        planted: TOML file of known values; any of them leaving is proof
        policy: TOML file that extends or replaces the default policy
        region: region whose rules hold where the traffic does not say, for example EU, UK, US-CA
        scenario: what was done with the consent banner, where the traffic does not say
        columns: column map of a request table, for example url=request_url,time=ts
        rules: all, or names separated by commas; -name leaves one out
        baseline: findings of an earlier scan (JSON, SARIF, Parquet or its folder); only new ones fail
        reviews: decisions of reviewers, a file or postgresql://USER@HOST/DATABASE; what they closed does not fail
        models: none; datum (types only); default (types and verdicts); or a model file that `train` made
        fail_on: lowest severity of a potential violation that ends in exit code 1
        formats: all, or report formats separated by commas
        keep_raw: keep an encrypted copy of the traffic beside the run, to judge it again later
        project_key_file: file with the secret that digests are keyed with; made on first use
    """
    from consentinel.detect import scanning

    asked = {
        "traffic": traffic, "planted": planted, "policy": policy, "region": region, "scenario": scenario,
        "columns": columns, "rules": rules, "baseline": baseline, "reviews": shown(reviews),
        "models": Path(models).name, "fail_on": fail_on, "formats": formats, "keep_raw": keep_raw,
    }  # fmt: skip
    with Run.open("detect.scan", out, **asked) as run:
        plan = scanning.prepare(
            run, traffic, planted=planted, policy=policy, region=region, columns=columns, rules=rules, formats=formats,
            baseline=baseline, reviews=reviews, models=models, keep_raw=keep_raw, project_key_file=project_key_file,
        )  # fmt: skip
        scanned = scanning.scan(run, plan, scenario=scenario, region=region, keep_raw=keep_raw)
        return scanning.report(run, plan, scanned, fail_on=fail_on)


def train(
    visits: Path,
    *,
    labels: Path | None = None,
    data: Path | None = None,
    out: Path = Path("runs/train"),
    parts: str = "all",
    seed: int = 20,
    risk: float = 0.006,
    policy: Path | None = None,
    region: str = "EU",
    project_key_file: Path = Path(".consentinel/key"),
) -> Outcome:
    """Train the judges of data, purposes and claims on recordings with labels; measure them on families not seen.

    The tables that they learn from are kept; given in place of the recordings, they make the same models to the byte.

    Args:
        visits: folder of recordings, folder that `detect scan` wrote, or the tables (or training.parquet) of a training
        labels: folder with labels.parquet, as the proving range makes it; only its training sites are read
        data: datum.parquet of a training: types the data of a scan by judges that never saw the recipient's family
        out: folder for the models, their training tables, held-out units, curves and run.json
        parts: all, or names of judges separated by commas
        seed: number that folds and learners follow
        risk: share of errors among decided claims that the threshold to abstain is set for
        policy: TOML file that extends or replaces the default policy
        region: region whose rules hold where the traffic does not say
        project_key_file: file with the secret that digests are keyed with; made on first use
    """
    from consentinel.detect.teaching import Asked, teach

    asked = {
        "visits": visits, "labels": labels, "data": data, "parts": parts, "seed": seed, "risk": risk,
        "policy": policy, "region": region,
    }  # fmt: skip
    with Run.open("detect.train", out, **asked) as run:
        wishes = Asked(labels, data, seed, risk, policy, region, project_key_file)
        return teach(run, visits, parts, wishes)
