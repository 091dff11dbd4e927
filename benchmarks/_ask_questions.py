"""Fifty questions of an analyst with their answers, computed here in plain Python over the rows, without any SQL.

An answer is a list of rows; each row is a tuple of what has to stand in the answer, in any order of columns. Several
answers are right where a question can honestly be read in two ways ("theft" alone, or also where several were named).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from statistics import mean, median
from typing import Any

__all__ = ["QUESTIONS", "Question"]

Row = dict[str, Any]
Rows = list[Row]
Answer = list[tuple[Any, ...]]
Question = tuple[str, Callable[[dict[str, Rows]], list[Answer]]]

HACKING, THEFT = "Hacking/IT Incident", "Theft"


def day(row: Row, name: str = "opened") -> date:
    moment = row[name]
    if isinstance(moment, int):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).date()
    return moment.date() if isinstance(moment, datetime) else moment


def year(row: Row) -> int:
    return day(row).year


def quarter(row: Row) -> int:
    return (day(row).month - 1) // 3 + 1


def of(rows: Rows, category: str) -> list[Rows]:
    """Return the rows of CATEGORY alone, and those that name it beside others."""
    alone = [row for row in rows if row["category"] == category]
    within = [row for row in rows if category in (row["category"] or "")]
    return [alone, within]


def one(value: Any) -> list[Answer]:
    return [[(value,)]]


def counted(rows: Iterable[Row], key: Callable[[Row], Any]) -> Counter[Any]:
    return Counter(key(row) for row in rows if key(row) is not None)


def pairs(found: dict[Any, Any]) -> list[Answer]:
    return [list(found.items())]


def most(found: dict[Any, Any]) -> list[Answer]:
    """Return the key of the largest value, alone or with it; several answers where several are equally large."""
    top = max(found.values())
    best = [key for key, value in found.items() if value == top]
    return [answer for key in best for answer in ([(key, top)], [(key,)])] + [[(key, top) for key in best]]


def people(rows: Iterable[Row]) -> list[float]:
    return [row["people"] for row in rows if row["people"] is not None]


def by(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, Rows]:
    found: dict[Any, Rows] = defaultdict(list)
    for row in rows:
        if key(row) is not None:
            found[key(row)].append(row)
    return found


def largest(rows: Rows, count: int) -> list[Answer]:
    best = sorted((row for row in rows if row["people"] is not None), key=lambda row: -row["people"])[:count]
    return [[(row["subject"], row["people"]) for row in best], [(row["subject"],) for row in best]]


def grown(t: dict[str, Rows]) -> list[Answer]:
    before = counted((row for row in t["incidents"] if year(row) == 2019), lambda row: row["category"])
    after = counted((row for row in t["incidents"] if year(row) == 2020), lambda row: row["category"])
    change = {key: after[key] - before[key] for key in {*before, *after}}
    ratio = {key: after[key] / before[key] for key in before if before[key] >= 5}
    return most(change) + most(ratio)


WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

QUESTIONS: list[Question] = [
    # Incidents: records of HHS
    ("How many incidents were opened in 2021?", lambda t: one(sum(year(r) == 2021 for r in t["incidents"]))),
    (
        "How many hacking incidents were reported in 2020?",
        lambda t: [[(sum(year(r) == 2020 for r in rows),)] for rows in of(t["incidents"], HACKING)],
    ),
    (
        "Which five states had the most incidents?",
        lambda t: [
            [(key, n) for key, n in counted(t["incidents"], lambda r: r["region"]).most_common(5)],
            [(key,) for key, _ in counted(t["incidents"], lambda r: r["region"]).most_common(5)],
        ],
    ),
    (
        "What is the total number of people affected by theft incidents?",
        lambda t: [[(sum(people(rows)),)] for rows in of(t["incidents"], THEFT)],
    ),
    (
        "What was the median number of people affected in 2019?",
        lambda t: one(median(people(r for r in t["incidents"] if year(r) == 2019))),
    ),
    (
        "How many incidents affected more than 100,000 people?",
        lambda t: one(sum(n > 100_000 for n in people(t["incidents"]))),
    ),
    ("Which organisation had the largest incident?", lambda t: largest(t["incidents"], 1)),
    ("Show incidents per year", lambda t: pairs(counted(t["incidents"], year))),
    (
        "In which month of 2022 were the most incidents opened?",
        lambda t: most(counted((r for r in t["incidents"] if year(r) == 2022), lambda r: f"2022-{day(r).month:02d}")),
    ),
    (
        "What share of the incidents in 2022 were hacking?",
        lambda t: [
            [(sum(year(r) == 2022 for r in rows) / sum(year(r) == 2022 for r in t["incidents"]),)]
            for rows in of(t["incidents"], HACKING)
        ],
    ),
    (
        "average number of people affected per incident by category",
        lambda t: pairs(
            {
                key: mean(people(rows))
                for key, rows in by(t["incidents"], lambda r: r["category"]).items()
                if people(rows)
            }
        ),
    ),
    (
        "How many incidents were there in California between 2015 and 2018?",
        lambda t: one(sum(r["region"] == "CA" and 2015 <= year(r) <= 2018 for r in t["incidents"])),
    ),
    (
        "How many incidents are still under investigation?",
        lambda t: one(sum(r["status"] in ("under_investigation", "under investigation") for r in t["incidents"])),
    ),
    ("Which category grew most from 2019 to 2020?", grown),
    (
        "How many different organisations reported incidents?",
        lambda t: one(len({r["subject"] for r in t["incidents"] if r["subject"] is not None})),
    ),
    (
        "Which organisations reported more than ten incidents?",
        lambda t: [
            [(key, n) for key, n in counted(t["incidents"], lambda r: r["subject"]).items() if n > 10],
            [(key,) for key, n in counted(t["incidents"], lambda r: r["subject"]).items() if n > 10],
        ],
    ),
    (
        "top 10 incidents by people affected in Texas",
        lambda t: largest([r for r in t["incidents"] if r["region"] == "TX"], 10),
    ),
    (
        "How many incidents were opened since 1 July 2022?",
        lambda t: one(sum(day(r) >= date(2022, 7, 1) for r in t["incidents"])),
    ),
    (
        "Number of incidents per category in 2015",
        lambda t: pairs(counted((r for r in t["incidents"] if year(r) == 2015), lambda r: r["category"])),
    ),
    (
        "What percentage of all affected people were affected by loss incidents?",
        lambda t: [[(sum(people(rows)) / sum(people(t["incidents"])),)] for rows in of(t["incidents"], "Loss")],
    ),
    (
        "Compare the number of incidents in Texas and Florida in 2021",
        lambda t: pairs(
            counted(
                (r for r in t["incidents"] if year(r) == 2021 and r["region"] in ("TX", "FL")), lambda r: r["region"]
            )
        ),
    ),
    (
        "What is the smallest number of people affected by any incident in New York?",
        lambda t: one(min(people(r for r in t["incidents"] if r["region"] == "NY"))),
    ),
    (
        "How many theft incidents were there in each year?",
        lambda t: [answer for rows in of(t["incidents"], THEFT) for answer in pairs(counted(rows, year))],
    ),
    ("How many incidents happened before 2012?", lambda t: one(sum(year(r) < 2012 for r in t["incidents"]))),
    (
        "When was the first incident in Alaska?",
        lambda t: one(min(day(r) for r in t["incidents"] if r["region"] == "AK")),
    ),
    (
        "When was the latest improper disposal incident opened?",
        lambda t: [[(max(day(r) for r in rows),)] for rows in of(t["incidents"], "Improper Disposal")],
    ),
    (
        "How many people were affected in the first quarter of 2021?",
        lambda t: one(sum(people(r for r in t["incidents"] if year(r) == 2021 and quarter(r) == 1))),
    ),
    (
        "Incidents per quarter in 2020",
        lambda t: pairs(counted((r for r in t["incidents"] if year(r) == 2020), lambda r: f"2020-Q{quarter(r)}")),
    ),
    (
        "Which state had the highest average number of people affected per incident?",
        lambda t: most(
            {key: mean(people(rows)) for key, rows in by(t["incidents"], lambda r: r["region"]).items() if people(rows)}
        ),
    ),
    (
        "How many incidents have no description?",
        lambda t: one(sum(r["text_id"] is None for r in t["incidents"])),
    ),
    (
        "How many incidents affected between 1,000 and 5,000 people in 2018?",
        lambda t: one(sum(1000 <= n <= 5000 for n in people(r for r in t["incidents"] if year(r) == 2018))),
    ),
    (
        "How many loss incidents in 2012 were not in California?",
        lambda t: [
            [(sum(year(r) == 2012 and r["region"] != "CA" for r in rows),)] for rows in of(t["incidents"], "Loss")
        ],
    ),
    ("On which day were the most incidents opened?", lambda t: most(counted(t["incidents"], day))),
    (
        "How many incidents were opened on each weekday?",
        lambda t: pairs(counted(t["incidents"], lambda r: WEEKDAYS[day(r).weekday()])),
    ),
    (
        "How many states had more than 100 incidents?",
        lambda t: one(sum(n > 100 for n in counted(t["incidents"], lambda r: r["region"]).values())),
    ),
    # Findings of a scan
    ("How many findings are of high severity?", lambda t: one(sum(r["severity"] == "high" for r in t["findings"]))),
    ("Which recipient appears in the most findings?", lambda t: most(counted(t["findings"], lambda r: r["recipient"]))),
    ("How many findings are there for each type?", lambda t: pairs(counted(t["findings"], lambda r: r["type"]))),
    (
        "How many subjects have at least one finding of type user.id?",
        lambda t: one(len({r["subject"] for r in t["findings"] if r["type"] == "user.id"})),
    ),
    (
        "Which owner is behind most of the critical findings?",
        lambda t: most(counted((r for r in t["findings"] if r["severity"] == "critical"), lambda r: r["owner"])),
    ),
    (
        "average probability of findings per rule",
        lambda t: pairs(
            {key: mean(r["p"] for r in rows) for key, rows in by(t["findings"], lambda r: r["rule"]).items()}
        ),
    ),
    (
        "How many findings were made where consent was denied?",
        lambda t: one(sum(r["consent_state"] == "denied" for r in t["findings"])),
    ),
    (
        "How many potential violations did each recipient get in October 2026?",
        lambda t: pairs(
            counted(
                (
                    r
                    for r in t["findings"]
                    if r["outcome"] == "potential violation"
                    and (day(r, "first").year, day(r, "first").month) == (2026, 10)
                ),
                lambda r: r["recipient"],
            )
        ),
    ),
    (
        "How many findings were first seen in October 2026?",
        lambda t: one(sum((day(r, "first").year, day(r, "first").month) == (2026, 10) for r in t["findings"])),
    ),
    (
        "Which three subjects have the most findings with a probability above 0.9?",
        lambda t: [
            [
                (key, n)
                for key, n in counted((r for r in t["findings"] if r["p"] > 0.9), lambda r: r["subject"]).most_common(3)
            ],
            [
                (key,)
                for key, n in counted((r for r in t["findings"] if r["p"] > 0.9), lambda r: r["subject"]).most_common(3)
            ],
        ],
    ),
    # Measures of an audit
    ("How many measures show an effect?", lambda t: one(sum(r["verdict"] == "effect" for r in t["audits"]))),
    (
        "How many measures could not be measured, by probe?",
        lambda t: pairs(counted((r for r in t["audits"] if r["verdict"] == "not measured"), lambda r: r["probe"])),
    ),
    (
        "What is the lowest q of the pillar fair?",
        lambda t: one(min(r["q"] for r in t["audits"] if r["pillar"] == "fair" and r["q"] is not None)),
    ),
    ("How many measures are there per pillar?", lambda t: pairs(counted(t["audits"], lambda r: r["pillar"]))),
    (
        "What is the value of demographic_parity_difference for the slice sex=F?",
        lambda t: [
            [(r["value"],)]
            for r in t["audits"]
            if r["metric"] == "demographic_parity_difference" and r["slice"] == "sex=F"
        ],
    ),
]
