"""The last whole week: how many incidents, whether that is usual, of what kind, the largest, and what is still open."""

from datetime import timedelta

from consentinel.understand.stories._incidents import NAME, missing, open_cases
from consentinel.understand.stories._next import linked, mitigations
from consentinel.understand.telling.story import Query, Tone
from consentinel.understand.telling.teller import Teller

__all__ = ["tell"]

BEFORE = 26  # weeks that say what is usual
FEWEST = 8


def tell(teller: Teller) -> None:
    """Add what TELLER's incidents say of the last week, Monday to Sunday, that ended by its day."""
    sunday = teller.as_of - timedelta(days=(teller.as_of.weekday() + 1) % 7)
    monday, after = sunday - timedelta(days=6), sunday + timedelta(days=1)
    week = f"opened >= DATE '{monday}' AND opened < DATE '{after}'"
    now = teller.ask(
        "The incidents that were opened in the week",
        f"""
        SELECT DATE '{monday}' AS monday, DATE '{sunday}' AS sunday, count(*) AS n,
               coalesce(sum(people), 0)::BIGINT AS people, count(people) AS counted,
               count(*) FILTER (severity IN ('critical', 'high')) AS severe, count(severity) AS ranked
        FROM incidents
        WHERE {week}
        """,
    )
    counts = teller.ask("Incidents by week, and the range that is usual", _weeks_sql(monday.isoformat()))
    usual = teller.ask(
        "The range of the weeks before: from the lowest to the highest",
        f"""
        WITH weeks AS ({_indented(_weeks_sql(monday.isoformat()))})
        SELECT count(*) AS weeks, min(n) AS low, max(n) AS high, avg(n) AS mean, 2.0 / (count(*) + 1) AS chance
        FROM weeks
        WHERE start < DATE '{monday}'
        """,
    )
    teller.title("Week from {monday} to {sunday}", monday=teller.fact(now, "monday", "date"),
               sunday=teller.fact(now, "sunday", "date"))  # fmt: skip
    tone = _verdict(teller, now, usual)
    tiles: list[tuple] = [
        (teller.fact(now, "n"), "incidents opened", tone),
        (teller.fact(usual, "mean", "number"), "in a usual week (mean)"),
    ]
    if teller.value(now, "counted"):
        tiles.append((teller.fact(now, "people"), "people affected, where it is known"))
    if teller.value(now, "ranked"):
        tiles.append((teller.fact(now, "severe"), "of high or critical severity", "warn"))
    _so_far(teller, tiles)
    _ahead(teller, after.isoformat())
    if teller.value(now, "n"):
        linked(teller, week)
        _kinds(teller, week, monday.isoformat(), counts)
        mitigations(teller, "of them that does not say what was done", "of them that do not say what was done", week)
        _largest(teller, week)
    else:
        _over_time(teller, counts)
    open_cases(teller)
    missing(
        teller, "Counts are of what was reported, not of what happened. Late reports make the latest days look calm."
    )


def _weeks_sql(monday: str) -> str:
    return f"""
        WITH days AS (SELECT opened::DATE AS day FROM incidents WHERE opened IS NOT NULL),
        weeks AS (
          SELECT unnest(generate_series(
                   greatest(DATE '{monday}' - {7 * BEFORE}, (SELECT date_trunc('week', min(day)) FROM days)::TIMESTAMP),
                   TIMESTAMP '{monday}', INTERVAL 7 DAY))::DATE AS start
        ),
        counted AS (
          SELECT start, count(day) AS n
          FROM weeks LEFT JOIN days ON day >= start AND day < start + 7
          GROUP BY start
        )
        SELECT start, n, min(n) FILTER (start < DATE '{monday}') OVER () AS low,
               max(n) FILTER (start < DATE '{monday}') OVER () AS high
        FROM counted
        ORDER BY start
        """


def _indented(sql: str) -> str:
    return sql.strip().replace("\n", "\n  ")


def _verdict(teller: Teller, now: Query, usual: Query) -> Tone:
    """Say how the week compares, and return the tone of that."""
    n, low, high = (teller.value(*at) for at in ((now, "n"), (usual, "low"), (usual, "high")))
    weeks = teller.value(usual, "weeks")
    facts = {"n": teller.fact(now, "n")}
    if not isinstance(weeks, int) or weeks < FEWEST:
        teller.verdict(
            "{n:incident was|incidents were} opened. The weeks before are too few to say what is usual.",
            "muted",
            **facts,
        )
        return "muted"
    facts |= {name: teller.fact(usual, name) for name in ("low", "high", "weeks")}
    facts["chance"] = teller.fact(usual, "chance", "share")
    calm = float(low or 0) <= float(n or 0) <= float(high or 0)
    word = "within" if calm else "above" if float(n or 0) > float(high or 0) else "below"
    tone: Tone = "ok" if calm else "danger" if word == "above" else "info"
    teller.verdict(
        f"{{n:incident was|incidents were}} opened, {word} the range of the {{weeks}} weeks before "
        "({low} to {high}).",
        tone, **{name: facts[name] for name in ("n", "weeks", "low", "high")},
    )  # fmt: skip
    teller.note(
        "Were all weeks alike, a week would fall outside that range with a chance of at most {chance}.",
        chance=facts["chance"],
    )
    return tone


def _so_far(teller: Teller, tiles: list[tuple]) -> None:
    """Add the figures, with the year so far beside the same days of the year before where there are any."""
    day = teller.as_of
    found = teller.ask(
        "The year so far, and the same days of the year before",
        f"""
        SELECT count(*) FILTER (day >= date_trunc('year', DATE '{day}') AND day <= DATE '{day}') AS n,
               count(*) FILTER (day >= date_trunc('year', DATE '{day}' - INTERVAL 1 YEAR)
                                AND day <= DATE '{day}' - INTERVAL 1 YEAR) AS before,
               min(day) <= date_trunc('year', DATE '{day}' - INTERVAL 1 YEAR) AS whole
        FROM (SELECT opened::DATE AS day FROM incidents)
        """,
    )
    tiles.append((teller.fact(found, "n"), "incidents in the year so far"))
    if teller.value(found, "whole"):
        tiles.append((teller.fact(found, "before"), "in the same days of the year before"))
    teller.tiles(*tiles)


def _over_time(teller: Teller, counts: Query) -> None:
    if counts.rows:
        note = "The band is the range of the weeks before; red stands outside it."
        teller.weeks("Incidents by week", counts, note=note)


def _kinds(teller: Teller, week: str, monday: str, counts: Query) -> None:
    found = teller.ask(
        "The week by category, beside a usual week",
        f"""
        WITH now AS (SELECT coalesce(category, 'not known') AS category, count(*) AS n FROM incidents
                     WHERE {week} GROUP BY 1),
        earlier AS (SELECT coalesce(category, 'not known') AS category, count(*) AS n FROM incidents
                    WHERE opened >= DATE '{monday}' - {7 * BEFORE}
                      AND opened < DATE '{monday}' GROUP BY 1)
        SELECT category, now.n AS n, (sum(now.n) OVER ())::BIGINT AS of, now.n / sum(now.n) OVER () AS share,
               coalesce(earlier.n, 0) / {BEFORE} AS usual
        FROM now LEFT JOIN earlier USING (category)
        ORDER BY now.n DESC, category
        LIMIT 8
        """,
    )
    teller.say(
        "The most frequent kind was {what}: {n} of {of}, {share}.",
        what=teller.fact(found, "category", "name"), n=teller.fact(found, "n"), of=teller.fact(found, "of"),
        share=teller.fact(found, "share", "share"),
    )  # fmt: skip
    _over_time(teller, counts)
    teller.bars("By category", found, "category", "n", more=(("usual", "usual week", "number"),))
    where = teller.ask(
        "The week by region",
        f"""
        SELECT region, count(*) AS n, coalesce(sum(people), 0)::BIGINT AS people
        FROM incidents
        WHERE {week} AND region IS NOT NULL
        GROUP BY region ORDER BY n DESC, people DESC, region
        LIMIT 8
        """,
    )
    if where.rows:
        teller.bars("By region", where, "region", "n", more=(("people", "people", "count"),))


def _largest(teller: Teller, week: str) -> None:
    found = teller.ask(
        "The largest of the week by people affected",
        f"""
        SELECT {NAME} AS name, coalesce(category, 'not known') AS category, people, opened::DATE AS opened
        FROM incidents
        WHERE {week} AND people IS NOT NULL
        ORDER BY people DESC, incident_id
        LIMIT 5
        """,
    )
    if not found.rows:
        return
    teller.heading("The largest")
    teller.say("The largest affected {people:person|people}: {name} ({what}).", people=teller.fact(found, "people"),
               name=teller.fact(found, "name", "name"), what=teller.fact(found, "category", "name"))  # fmt: skip
    teller.grid("By people affected", found, ("name", "what", "name"), ("category", "category", "name"),
                ("people", "people", "count"), ("opened", "opened", "date"))  # fmt: skip


def _ahead(teller: Teller, after: str) -> None:
    """Tell what is expected of the next week, where a run of forecast is among the tables."""
    if not teller.tables.has("forecasts", "segment", "step", "start", "ahead", "expected", "low", "high", "level"):
        return
    found = teller.ask(
        "What the forecast expects of the next week",
        f"""
        SELECT start::DATE AS start, expected, low, high, level
        FROM forecasts
        WHERE ahead > 0 AND step = 'week' AND low IS NOT NULL
          AND start >= DATE '{after}' AND start < DATE '{after}' + 7
          AND segment = (SELECT arg_max(segment, total) FROM
                         (SELECT segment, sum(count) AS total FROM forecasts GROUP BY segment))
        ORDER BY start LIMIT 1
        """,
    )
    if found.rows:
        names = ("expected", "low", "high")
        teller.say(
            "For the week from {start}, {expected} are expected, and between {low} and {high} in {level} of weeks.",
            start=teller.fact(found, "start", "date"), level=teller.fact(found, "level", "share"),
            **{name: teller.fact(found, name) for name in names},
        )  # fmt: skip
