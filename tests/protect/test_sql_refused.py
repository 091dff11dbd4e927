"""What is refused in a question, with which way out, and that nothing hostile passes."""

from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from consentinel.core.errors import UsageError
from consentinel.protect.asking import ask, ask_about
from consentinel.protect.declared import Declared, Private
from consentinel.protect.sources import opened
from tests.protect.made_questions import DECLARED, EVENTS, ROWS

ENGINE = duckdb.connect(":memory:", config={"threads": 1})

REFUSED = {
    "DROP TABLE events": "one SELECT",
    "SELECT count(*) FROM events; SELECT 1": "one SELECT",
    "COPY events TO 'out.csv'": "one SELECT",
    "ATTACH 'x.db'": "one SELECT",
    "SET threads = 1": "one SELECT",
    "PRAGMA database_list": "one SELECT",
    "INSTALL httpfs": "one SELECT",
    "CREATE MACRO f(x) AS x": "one SELECT",
    "SELECT count(*) FROM events UNION SELECT 1": "one SELECT",
    "SELECT * FROM events": "nothing is aggregated",
    "SELECT *, count(*) FROM events GROUP BY ALL": "release rows",
    "SELECT price FROM events": "nothing is aggregated",
    "SELECT count(*) FROM read_csv('/etc/passwd')": "function in FROM",
    "SELECT count(*) FROM read_parquet('x.parquet')": "function in FROM",
    "SELECT count(*) FROM 'x.parquet'": "no table",
    "SELECT count(*) FROM duckdb_settings()": "function in FROM",
    "SELECT count(*) FROM information_schema.tables": "declared name alone",
    "SELECT count(*) FROM other.events": "declared name alone",
    "SELECT count(*) FROM pages": "public",
    "SELECT count(*) FROM events, buys": "ON a.x = b.y",
    "SELECT count(*) FROM events CROSS JOIN buys": "JOIN",
    "SELECT count(*) FROM events RIGHT JOIN buys USING (who)": "LEFT JOIN",
    "SELECT count(*) FROM events FULL JOIN buys USING (who)": "LEFT JOIN",
    "SELECT count(*) FROM events ASOF JOIN buys USING (who)": "not supported",
    "SELECT count(*) FROM events NATURAL JOIN buys": "not supported",
    "SELECT count(*) FROM events SEMI JOIN buys USING (who)": "LEFT JOIN",
    "SELECT count(*) FROM events JOIN buys ON events.who < buys.who": "equal columns",
    "SELECT count(*) FROM events JOIN buys ON events.qty + 1 = buys.paid": "plain columns",
    "SELECT count(*) FROM events JOIN buys USING (page)": "declare fanout.page of 'buys'",
    "SELECT count(*) FROM events TABLESAMPLE 10%": "leave out 'sample'",
    "SELECT count(*) FROM events LIMIT 1": "LIMIT",
    "SELECT page, count(*) FROM events GROUP BY page ORDER BY 2": "ORDER BY",
    "SELECT page, count(*) FROM events GROUP BY page HAVING count(*) > 5": "HAVING",
    "SELECT DISTINCT page, count(*) FROM events GROUP BY page": "DISTINCT",
    "SELECT page, count(*) FROM events GROUP BY ROLLUP (page)": "ROLLUP",
    "SELECT page, count(*) FROM events": "GROUP BY",
    "SELECT count(*) FROM events GROUP BY page": "exactly the columns",
    "SELECT sum(price) / count(*) FROM events": "aggregate inside another expression",
    "SELECT sum(sum(price)) FROM events": "aggregate inside an",
    "SELECT sum(price) OVER () FROM events": "window function",
    "SELECT count(*) FROM events WHERE price > (SELECT avg(price) FROM events)": "subquery inside",
    "SELECT count(*) FROM events WHERE who IN (SELECT who FROM buys)": "subquery inside IN",
    "SELECT count(*) FROM events WHERE EXISTS (SELECT 1 FROM buys)": "subquery inside",
    "SELECT count(*) FROM (SELECT page FROM events GROUP BY page) e": "row-wise",
    "SELECT count(*) FROM (SELECT count(*) AS n FROM events) e": "aggregate",
    "SELECT count(*) FROM (SELECT price FROM events LIMIT 1) e": "LIMIT",
    "SELECT count(*) FROM (VALUES (1)) e(x)": "not supported",
    "WITH RECURSIVE r AS (SELECT 1) SELECT count(*) FROM r": "RECURSIVE",
    "SELECT max(price) FROM events": "QUANTILE_CONT",
    "SELECT any_value(price) FROM events": "not known here",
    "SELECT list(price) FROM events": "not known here",
    "SELECT string_agg(country, ',') FROM events": "not known here",
    "SELECT count(DISTINCT country) FROM events": "name the unit column",
    "SELECT sum(DISTINCT price) FROM events": "DISTINCT",
    "SELECT sum(CAST(country AS int)) FROM events": "range",
    "SELECT sum(1) FROM events": "COUNT",
    "SELECT sum(exp(price)) FROM events": "range",
    "SELECT median(price ORDER BY qty) FROM events": "not",
    "SELECT quantile_cont(price, 1.5) FROM events": "quantiles are",
    "SELECT quantile_cont(price, 0) FROM events": "quantiles are",
    "SELECT quantile_disc(price, 0.5) FROM events": "PERCENTILE_CONT",
    "SELECT histogram(price) FROM events": "HISTOGRAM(x, 20)",
    "SELECT histogram(price, 1) FROM events": "2 to 10,000 bins",
    "SELECT histogram(price, [3, 2, 1]) FROM events": "ascend in equal steps",
    "SELECT histogram(price, [1, 2, 4]) FROM events": "ascend in equal steps",
    "SELECT histogram(country, 4) FROM events": "range",
    "SELECT approx_top_k(country, 2) FROM events": "public values",
    "SELECT approx_top_k(page, 0) FROM events": "whole number k",
    "SELECT approx_top_k(page, 2), count(*) FROM events": "alone",
    "SELECT count(*) FROM events WHERE random() < 0.5": "row-wise",
    "SELECT count(*) FROM events WHERE now() > at": "row-wise",
    "SELECT count(*) FROM events WHERE getenv('HOME') = 'x'": "row-wise",
    "SELECT count(*) FROM events WHERE current_setting('threads') = '1'": "row-wise",
    "SELECT count(*) FROM events WHERE nextval('s') > 1": "row-wise",
    "SELECT count(*) FROM events WHERE error('x')": "row-wise",
    "SELECT count(*) FROM events WHERE regexp_matches(country, '(a+)+$')": "row-wise",
    "SELECT count(*) FROM events WHERE my_udf(price) > 1": "my_udf",
    "SELECT count(*) FROM events WHERE country = ?": "placeholder",
    "SELECT count(*) FROM events WHERE country = $1": "placeholder",
    "SELECT count(*) FROM events WHERE salary > 1": "no column 'salary'",
    "SELECT count(*) FROM events WHERE prise > 1": "did you mean 'price'",
    "SELECT count(*) FROM evens": "did you mean 'events'",
    "SELECT count(*) FROM events WHERE x.price > 1": "no table of this question",
    "SELECT count(*) n, sum(price) N FROM events": "same name",
    "SELECT count(*) FROM events JOIN buys USING (who) WHERE page = 'home'": "several tables",
    "SELECT count(*) FROM events WHERE price > 'a": "SQL",
    "": "one SELECT",
    "SELECT": "FROM is missing",
    "SELECT count(*)": "FROM is missing",
    "SELECT count(*) FROM events WHERE " + "(" * 3000 + "qty" + ")" * 3000 + " > 1": "",
    "SELECT count(*) FROM events WHERE qty IN (" + ",".join("1" * 11_000) + ",2)": "20,000",
}


@pytest.mark.parametrize(("sql", "told"), REFUSED.items(), ids=[s[:50] for s in REFUSED])
def test_what_is_not_supported_is_refused_with_a_way_out(sql: str, told: str) -> None:
    with pytest.raises(UsageError) as why:
        ask(sql, DECLARED)
    assert told in str(why.value)
    assert len(str(why.value)) < 600


@pytest.mark.parametrize(
    "fragment", ["count(*) FROM events", "count(*), 1", "count(*) AS n", "count(*); DROP TABLE x", ""]
)
def test_a_fragment_is_one_expression(fragment: str) -> None:
    with pytest.raises(UsageError):
        ask_about("events", {"n": fragment}, DECLARED)
    with pytest.raises(UsageError):
        ask_about("events", {"n": "count(*)"}, DECLARED, where=f"qty > 1 GROUP BY page {fragment}")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=20), name=st.text(min_size=1, max_size=8))
def test_texts_and_names_cannot_leave_their_place(text: str, name: str) -> None:
    literal = exp.Literal.string(text).sql(dialect="duckdb")
    quoted = exp.to_identifier(name, quoted=True).sql(dialect="duckdb")
    for sql in (
        f"SELECT count(*) FROM events WHERE country = {literal}",
        f"SELECT count(*) FROM events WHERE {quoted} = 1",
        f"SELECT count(*) AS {quoted} FROM events",
        f"SELECT count(*) FROM {quoted}",
        f"SELECT count(*) FROM events WHERE {text}",
    ):
        try:
            asked = ask(sql, DECLARED)
        except UsageError:
            continue
        for condition in asked.filters:  # what was written is one condition on the columns, whatever is in the text
            assert isinstance(parse_one(f"SELECT 1 WHERE {condition.sql}", dialect="duckdb"), exp.Select)
            if sql.endswith(f"country = {literal}"):
                row = ENGINE.execute(f"SELECT {condition.sql} FROM (SELECT ? AS country) t0", [text]).fetchone()
                assert row == (True,)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="SELECTFROMcount(*)eventswhopric,'\"; -/1=+%", max_size=60))
def test_any_text_is_answered_or_refused(text: str) -> None:
    with suppress(UsageError):
        ask(text, DECLARED)


TOKENS = [
    "SELECT", "FROM", "WHERE", "GROUP", "BY", "ALL", "AS", "JOIN", "LEFT", "ON", "USING", "WITH", "AND", "OR", "NOT",
    "IN", "IS", "NULL", "LIKE", "CASE", "WHEN", "THEN", "ELSE", "END", "FILTER", "DISTINCT", "OVER", "VALUES",
    "INTERVAL",
    "events", "buys", "pages", "page", "price", "qty", "who", "week", "count(*)", "count(", "sum(", "avg(", "median(",
    "histogram(", "quantile_cont(", "least(", "cast(", "approx_top_k(", "count(distinct", "1", "0.5", "'a'", "(", ")",
    "[", "]", ",", ".", "*", "+", "-", "/", "%", "=", "<>", "<", "@", "~", "::", "int", "date", "||", ";", "--",
]  # fmt: skip
STARTS = ["", "SELECT count(*) FROM events WHERE ", "SELECT "]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(TOKENS), max_size=12),
    st.sampled_from(["", "SELECT count(*) FROM events WHERE ", "SELECT "]),
)
def test_any_words_are_answered_or_refused(words: list[str], start: str) -> None:
    with suppress(UsageError):
        ask(start + " ".join(words), DECLARED)


HOSTILE = [
    "SELECT * FROM read_csv('/etc/hostname')",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT * FROM glob('/etc/*')",
    "COPY (SELECT 1) TO 'leak.csv'",
    "ATTACH 'leak.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET threads = 1",
    "SET allowed_paths = ['/etc/hostname']",
    "RESET lock_configuration",
    "EXPORT DATABASE 'leak'",
    "SELECT * FROM ROWS",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_the_engine_is_locked(sql: str, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(ROWS, tmp_path / "events.parquet")
    (tmp_path / "other.csv").write_text("a\n1\n")
    on_disk = Declared((Private("events", EVENTS.columns, "who", 4, 3, (tmp_path / "events.parquet",)),))
    with opened(ask("SELECT count(*) FROM events", on_disk), on_disk, threads=1) as source:
        assert source.connection.execute("SELECT count(*) FROM given.events").fetchone() == (3,)
        with pytest.raises(duckdb.Error):
            source.connection.execute(sql)
        with pytest.raises(duckdb.Error):
            source.connection.execute(f"SELECT * FROM read_csv('{tmp_path / 'other.csv'}')")
    assert {f.name for f in tmp_path.iterdir()} == {"events.parquet", "other.csv"}
