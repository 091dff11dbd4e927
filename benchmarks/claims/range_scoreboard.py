"""Who gets what was not allowed: ours and others on the same recordings of the test-only sites.

Everybody can answer the question: in this visit, without consent, did this recipient (registrable domain)
get something that it must not have? In all scenarios nothing was granted, so nobody needs to know of consent. Who flags
one request to a recipient has flagged it.
"""

from functools import cache

import duckdb
from publicsuffixlist import PublicSuffixList

from _claim import write
from _peers import PEERS, Request, requests
from _range import OTHER_RULES, RANGE, labels, scanned, sites
from consentinel.core.resample import cluster_bootstrap, ratio
from run import text_table

NAMES = ("scoreboard_f1", "scoreboard_f1_unplanted", "scoreboard_lead")
INPUTS = ("runs/range/labels/labels.parquet", "benchmarks/_peers.py")
SCENARIOS = ("no_action", "reject", "gpc")
REPEAT = "r00"
Case = tuple[str, str, str]  # site, scenario, recipient
SUFFIXES = PublicSuffixList()


def main() -> None:
    """Ask everybody about every (site, scenario, recipient), print the table, keep our share and the lead."""
    there = sites("test")
    files = [f for f in sorted((RANGE / "visits").glob(f"*~{REPEAT}.har.zst")) if f.name.split("~")[0] in there]
    sent = [r for f in files if f.name.split("~")[1] in SCENARIOS for r in requests(f)]
    cases = sorted({case(r) for r in sent})
    truth = violated()
    owner = owners()
    rows, scores = [], {}
    for name, flagged, seconds, note in [*answers(sent), ours("planted", cases), ours("plain", cases)]:
        hit = [one in flagged for one in cases]
        scores[name] = f1(hit, [one in truth for one in cases], [owner.get(one[2], one[2]) for one in cases])
        value, low, high, right, found = scores[name]
        rows.append(
            {"system": name, "precision": round(right, 3), "recall": round(found, 3), "F1": round(value, 3),
             "95% interval": f"{low:.3f} to {high:.3f}", "ms a request": seconds, "what it is": note}
        )  # fmt: skip
    print(text_table(rows), flush=True)
    told = "; ".join(f"{r['system']} {r['F1']} (precision {r['precision']}, recall {r['recall']})" for r in rows)
    cut = (
        f"{len(cases):,} (site, scenario, recipient), test-only, without consent; {len(truth & set(cases)):,} violated"
    )
    for name, who in (("scoreboard_f1", "Consentinel, planted"), ("scoreboard_f1_unplanted", "Consentinel, plain")):
        value, low, high, _, _ = scores[who]
        write(name, value=value, low=low, high=high, n=len(cases), protocol=f"F1 over {cut}; beside it: {told}")
    best = max((scores[name][0], name) for name in PEERS)
    lead = scores["Consentinel, plain"][0] - best[0]
    write(
        "scoreboard_lead",
        value=lead,
        low=scores["Consentinel, plain"][1] - scores[best[1]][2],
        high=scores["Consentinel, plain"][2] - scores[best[1]][1],
        n=len(cases),
        protocol=f"F1 without planted values less that of the best other ({best[1]}), ends from both intervals; {cut}",
    )


def case(request: Request) -> Case:
    """Return the case that REQUEST belongs to."""
    return request.site, request.scenario, domain(request.host)


@cache
def domain(host: str) -> str:
    """Return the registrable domain of HOST."""
    return SUFFIXES.privatesuffix(host) or host


def violated() -> set[Case]:
    """Return the cases that the labels call a violation."""
    query = f"select distinct site, scenario, recipient_domain from '{labels()}' where violation = 'yes'"
    return set(duckdb.execute(query).fetchall())


def owners() -> dict[str, str]:
    """Return the component behind each recipient, as cluster."""
    query = f"select recipient_domain, min(component) from '{labels()}' group by recipient_domain"
    return dict(duckdb.execute(query).fetchall())


def answers(sent: list[Request]) -> list[tuple[str, set[Case], float | str, str]]:
    """Return what each of the others flags."""
    found = []
    for name, ask in PEERS.items():
        spent, flags, note = ask(sent)
        flagged = {case(r) for r, flag in zip(sent, flags, strict=True) if flag}
        found.append((name, flagged, round(1000 * spent.seconds / len(sent), 3), note))
    return found


def ours(how: str, cases: list[Case]) -> tuple[str, set[Case], float | str, str]:
    """Return what our scan claims."""
    folder = scanned("test", planted=how == "planted")
    query = """select distinct cast(subject as varchar), cast(scenario as varchar), cast(recipient as varchar)
      from read_parquet(?) where outcome = 'potential violation' and consent_state <> 'granted'
      and not list_contains(?, cast(rule as varchar))"""
    told = set(duckdb.execute(query, [str(folder / "findings.parquet"), list(OTHER_RULES)]).fetchall())
    flagged = {one for one in cases if one in told}
    return f"Consentinel, {how}", flagged, "", "rules; reads consent, data and recipient"


def f1(hit: list[bool], true: list[bool], cluster: list[str]) -> tuple[float, float, float, float, float]:
    """Return F1 with its interval clustered by component, precision and recall."""
    both = [h and t for h, t in zip(hit, true, strict=True)]
    rows = [[2.0 * b, float(h) + float(t)] for b, h, t in zip(both, hit, true, strict=True)]
    found = cluster_bootstrap(rows, cluster, ratio, seed=20)
    right, recall = sum(both) / max(1, sum(hit)), sum(both) / max(1, sum(true))
    return found.value, found.low, found.high, right, recall


if __name__ == "__main__":
    main()
