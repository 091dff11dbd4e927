"""The proving range: how much it holds, and how far its labels can be trusted."""

import json

import duckdb

from _claim import write
from _range import RANGE, labels

NAMES = (
    "range_components", "range_recipients", "range_sdk_families", "range_test_sdk_families", "range_violations",
    "range_other_claims", "range_others_per_violation", "range_sources_agree", "range_undecidable",
)  # fmt: skip
INPUTS = ("range/labels/*", "range/split.json", "runs/range/labels/card.json")


def main() -> None:
    """Write the numbers of the data card; counts have no interval."""
    file = labels()
    card = json.loads((RANGE / "labels" / "card.json").read_text("utf-8"))
    split = json.loads((RANGE.parent.parent / "range" / "split.json").read_text("utf-8"))
    what = f"{card['visits']['used']:,} visits, {card['requests']:,} requests, labels {card['digests']['rows'][:16]}"

    def count(name: str, n: int, protocol: str) -> None:
        write(name, value=n, low=n, high=n, n=n, protocol=f"{protocol}; {what}")

    counted = "distinct (site, component, recipient, data type, consent state)"
    claims = card["distinct_claims"]
    count("range_components", card["components"], "components with a label row, each seen to send")
    count("range_recipients", card["recipients"], "hosts with a label row")
    parts = dict(
        duckdb.execute(
            "select family, any_value(split) from read_parquet(?) where list_contains(?, family) group by family",
            [str(file), [c["family"] for c in split["components"].values() if c["kind"] == "sdk"]],
        ).fetchall()
    )
    count("range_sdk_families", len(parts), "code families of SDKs with a label row")
    count("range_test_sdk_families", sum(p == "test" for p in parts.values()), "of them, test only")
    count("range_violations", claims["violation"], f"violations as {counted}")
    count("range_other_claims", claims["allowed"] + claims["no_signal"], f"allowed and without a signal, as {counted}")
    per = (claims["allowed"] + claims["no_signal"]) / claims["violation"]
    write(
        "range_others_per_violation",
        value=per,
        low=per,
        high=per,
        n=claims["all"],
        protocol=f"allowed and without a signal, for each violation; {what}",
    )
    agree = card["agreement"]
    write(
        "range_sources_agree",
        value=agree["share"],
        low=agree["low"],
        high=agree["high"],
        n=agree["of"],
        protocol=f"rows that both label sources decide and in which they say the same, clustered by "
        f"component and type ({agree['components']}; where all agree the bound is exact for that many cases); {what}",
    )
    share = card["undecidable_share"]
    write(
        "range_undecidable",
        value=share,
        low=share,
        high=share,
        n=claims["all"],
        protocol=f"undecidable of all distinct claims, those without a consent signal counted apart; {what}",
    )


if __name__ == "__main__":
    main()
