import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.allowed_sql import FUNCTIONS, check_sql
from consentinel.core.errors import UsageError


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a, count(*) AS n FROM t GROUP BY a HAVING count(*) > 1 ORDER BY a NULLS LAST LIMIT 5",
        "WITH s AS (SELECT * FROM t) SELECT s.a FROM s JOIN u ON s.t >= u.valid_from AND s.t < u.valid_until",
        "SELECT row_number() OVER (PARTITION BY a ORDER BY b NULLS LAST) AS k, CASE WHEN a IN (1, 2) THEN 1 END FROM t",
        "SELECT sum(x) FILTER (WHERE x > 0), 'it''s -- no comment', 1.5e-3 FROM t -- a comment; with words like asof",
        "/* hash( */ select a || 'b' from t where not exists (select 1 from u where u.a = t.a) union all (select 'x')",
        "SELECT t.sample, t.text FROM t",
    ],
)
def test_what_both_engines_run_passes(statement: str) -> None:
    check_sql(statement)


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("", "one SELECT"),
        ("  -- nothing", "one SELECT"),
        ("DELETE FROM t", "one SELECT"),
        ("CREATE TABLE x AS SELECT 1", "one SELECT"),
        ("SELECT 1; SELECT 2", "pass one statement"),
        ("SELECT * FROM t ASOF JOIN u ON t.t >= u.t", "join by interval"),
        ("SELECT * FROM t WHERE hash(a) % 2 = 0", "calls 'hash'"),
        ("SELECT approx_count_distinct(a) FROM t", "calls 'approx_count_distinct'"),
        ("SELECT Approx_Quantile (a, 0.5) FROM t", "calls 'Approx_Quantile'"),
        ("SELECT * FROM read_parquet('x')", "calls 'read_parquet'"),
        ("SELECT * FROM t USING SAMPLE 10", "sample with core.rng"),
        ("SELECT * FROM t TABLESAMPLE 10 PERCENT", "sample with core.rng"),
        ("SELECT a FROM t QUALIFY row_number() OVER (ORDER BY a) = 1", "row_number"),
        ("SELECT DISTINCT ON (a) a FROM t", "DISTINCT ON"),
        ('SELECT "a" FROM t', "bare names"),
        ("SELECT `a` FROM t", "bare names"),
        ("SELECT a::INT FROM t", "cast"),
        ("SELECT a // 2 FROM t", "floor"),
        ("SELECT a ** 2 FROM t", r"\*\*"),
        ("SELECT a ^ 2 FROM t", r"'\^'"),
        ("SELECT a -> 'b' FROM t", "->"),
        ("SELECT [1, 2]", r"'\['"),
        ("SELECT {'a': 1}", "'{'"),
        ("SELECT a == 1 FROM t", "write ="),
        ("SELECT 'a\\n' FROM t", "backslash"),
        ("SELECT 'open FROM t", "not closed"),
        ("SELECT a FROM t WHERE a = ?", "as a table"),
        ("SELECT a FROM t WHERE a = $1", "as a table"),
        ("SELECT cast(a AS VARCHAR) FROM t", "write STRING"),
        ("SELECT a FROM t LEFT SEMI JOIN u ON t.a = u.a", "EXISTS"),
        ("SELECT t.hash(a) FROM t", "calls 'hash'"),
        ("SELECT concat(a, b) FROM t", "calls 'concat'"),
        ("SELECT 1x", "'1'"),
        ("SELECT é FROM t", "'é'"),
        ("SELECT 1 /* open", "comment is not closed"),
    ],
)
def test_the_rest_is_refused_with_the_way_out(statement: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_sql(statement)


def test_functions_are_sorted_lower_case_names() -> None:
    assert all(name == name.lower() for name in FUNCTIONS)


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    for statement in (text, f"SELECT {text}"):
        with contextlib.suppress(UsageError):  # nothing else may come out, and it ends
            check_sql(statement)
