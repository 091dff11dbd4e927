"""How incidents group and what to do about them, where runs of group and recommend are among the tables."""

from consentinel.understand.telling.story import Fact, Unit
from consentinel.understand.telling.teller import Teller

__all__ = ["groups", "linked", "mitigations"]


def groups(teller: Teller) -> list[tuple[Fact, str]]:
    """Say how many incidents belong together, and return the figure of it; say so where nobody grouped them."""
    if not teller.tables.has("members", "group_id", "record"):
        teller.note("They were not grouped: name the folder of a run of group as well.")
        return []
    found = teller.ask(
        "Groups of incidents that belong together",
        """
        WITH sizes AS (
          SELECT group_id, count(*) AS n
          FROM members JOIN incidents ON members.record = incidents.incident_id
          GROUP BY group_id
        )
        SELECT count(*) FILTER (n > 1) AS groups, count(*) FILTER (n = 1) AS alone, max(n) AS largest,
               coalesce(sum(n) FILTER (n > 1), 0)::BIGINT AS together, count(*) AS cases
        FROM sizes
        """,
    )
    if not teller.value(found, "cases"):
        return []
    if not teller.value(found, "groups"):
        teller.say("Each of them stands alone.")
    else:
        teller.say(
            "{together} of them are linked into {groups:group|groups}; the largest holds {largest}. "
            "{alone:stands alone|stand alone}.",
            **{name: teller.fact(found, name) for name in ("together", "groups", "largest", "alone")},
        )  # fmt: skip
    return [(teller.fact(found, "cases"), "cases, after grouping")]


def linked(teller: Teller, week: str) -> None:
    """Say how many of the incidents of a WEEK, a condition in SQL, belong to groups with others."""
    if not teller.tables.has("members", "group_id", "record"):
        return
    found = teller.ask(
        "Incidents of the week that are linked to others",
        f"""
        WITH sizes AS (SELECT group_id, count(*) AS n FROM members GROUP BY group_id)
        SELECT count(*) FILTER (sizes.n > 1) AS n, count(*) AS of
        FROM incidents JOIN members ON members.record = incidents.incident_id JOIN sizes USING (group_id)
        WHERE {week}
        """,
    )
    if teller.value(found, "n"):
        teller.say("{n} of them {n:is|are} linked to other reports of what may be one incident.",
                   n=teller.fact(found, "n"))  # fmt: skip


def mitigations(teller: Teller, one: str, several: str, where: str = "true") -> None:
    """Say what to do first, where mitigations were recommended.

    ONE and SEVERAL are what the incidents are called; WHERE, a condition in SQL, says of which it is told.
    """
    if not teller.tables.has("recommendations", "incident_id", "rank", "name", "owner"):
        teller.note("No mitigations were recommended: name the folder of a run of recommend as well.")
        return
    found = teller.ask(
        "Mitigations that are recommended, by the incidents that they are the first or second for",
        f"""
        SELECT r.name, any_value(r.owner) AS owner, count(DISTINCT r.incident_id) AS n,
               count(DISTINCT r.incident_id) FILTER (severity IN ('critical', 'high')) AS severe
        FROM recommendations AS r JOIN incidents ON r.incident_id = incidents.incident_id
        WHERE r.rank <= 2 AND {where}
        GROUP BY r.name ORDER BY severe DESC, n DESC, r.name
        LIMIT 5
        """,
    )
    if not found.rows:
        return
    teller.heading("What to do first")
    teller.say(
        f"{{name}} comes first: it is recommended for {{n:{one}|{several}}}.",
        name=teller.fact(found, "name", "name"), n=teller.fact(found, "n"),
    )  # fmt: skip
    severe: tuple[tuple[str, str, Unit], ...] = (("severe", "high, critical", "count"),)
    teller.grid("Recommended mitigations", found, ("name", "what to do", "name"), ("owner", "by whom", "name"),
                ("n", "how many", "count"), *(severe if any(row[3] for row in found.rows) else ()))  # fmt: skip
