"""The SQL that DuckDB and Spark both run with the same meaning, and the check that refuses everything else.

One SELECT (WITH is fine) over bare names: no quoted identifiers (a double quote is an identifier in one engine and a
string in the other), no backslash in a string, only the operators and functions below. What the check cannot see and
the writer must know: `sum` of whole numbers has another type in each engine, so write cast(sum(x) AS BIGINT); nulls
sort differently, so an ORDER BY that matters says NULLS FIRST or NULLS LAST; rows come back in no order.

Consent is joined by interval (`t >= valid_from AND t < valid_until`): Spark has no ASOF JOIN.
"""

import re
from collections.abc import Iterator, Mapping

from consentinel.core.errors import UsageError

__all__ = ["CLOSED", "FUNCTIONS", "check_sql"]

# Settings of a DuckDB connection that sees no file, network or extension, and nothing of this program.
CLOSED: Mapping[str, bool] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}

# same arguments, same nulls, same answer in both engines
FUNCTIONS = frozenset([
    "abs", "avg", "bool_and", "bool_or", "cast", "ceil", "coalesce", "count", "count_if", "dense_rank", "exp", "floor",
    "greatest", "lag", "lead", "least", "length", "ln", "lower", "ltrim", "max", "min", "nullif", "rank", "replace",
    "round", "row_number", "rtrim", "sqrt", "stddev_samp", "substring", "sum", "trim", "upper", "var_samp",
])  # fmt: skip
# words that may stand before "(" without being a function
_BEFORE_PAREN = frozenset([
    "all", "and", "any", "as", "between", "by", "case", "distinct", "else", "except", "exists", "filter", "from",
    "having", "in", "intersect", "is", "join", "like", "not", "on", "or", "over", "partition", "select", "then",
    "union", "using", "values", "when", "where", "with",
])  # fmt: skip
_REFUSED = {
    "asof": "join by interval: t >= valid_from AND t < valid_until",
    "qualify": "filter row_number() in an outer SELECT",
    "sample": "sample with core.rng before the query",
    "tablesample": "sample with core.rng before the query",
    "pivot": "write one max(CASE ...) per column",
    "unpivot": "write one SELECT per column and UNION ALL",
    "positional": "join on a key",
    "lateral": "join a subquery",
    "semi": "write EXISTS",
    "anti": "write NOT EXISTS",
    "exclude": "name the columns",
    "interval": "times are whole microseconds: add numbers",
    "recursive": "iterate outside the query",
    "ilike": "compare lower(...) LIKE",
    "rlike": "prepare the column outside the query",
    "regexp": "prepare the column outside the query",
    "glob": "use LIKE",
    "similar": "use LIKE",
    "varchar": "write STRING",
    "text": "write STRING",
    "hugeint": "write BIGINT",
    "div": "write cast(floor(a / b) AS BIGINT)",
}
_OPERATORS = frozenset(["(", ")", ",", ".", "+", "-", "*", "/", "%", "=", "<>", "!=", "<", "<=", ">", ">=", "||"])
_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>/\*|\|\||<=|>=|<>|!=|==|::|->>|->|=>|//|\*\*|[^\s])",
    re.ASCII,
)


def check_sql(statement: str) -> None:
    """Raise UsageError, saying what to write instead, when STATEMENT is outside the SQL that both engines run."""
    tokens = list(_tokens(statement))
    words = [text.lower() if kind == "word" else text for kind, text in tokens]
    if not words or words[0] not in ("select", "with"):
        raise UsageError("a statement is one SELECT, or WITH ... SELECT")
    for at, ((kind, text), word) in enumerate(zip(tokens, words, strict=True)):
        following = words[at + 1] if at + 1 < len(words) else ""
        if kind == "operator" and text not in _OPERATORS:
            raise UsageError(f"the SQL has {text!r}, which DuckDB and Spark do not share{_hint(text)}")
        if kind == "text" and "\\" in text:
            raise UsageError("the SQL has a backslash in a string, which Spark reads as an escape and DuckDB does not")
        if kind != "word":
            continue
        if word in _REFUSED and not (at and words[at - 1] == "."):  # t.sample is a column
            raise UsageError(f"the SQL has '{text}', which DuckDB and Spark do not share; {_REFUSED[word]}")
        if word == "distinct" and following == "on":
            raise UsageError("the SQL has 'DISTINCT ON', which Spark lacks; filter row_number() in an outer SELECT")
        if following == "(" and word not in FUNCTIONS and word not in _BEFORE_PAREN:
            have = ", ".join(sorted(FUNCTIONS))
            raise UsageError(
                f"the SQL calls '{text}', which is not a function that both engines share; there is: {have}"
            )


def _tokens(statement: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(statement):
        kind = found.lastgroup or ""
        if kind != "space":
            yield kind, found.group()


def _hint(operator: str) -> str:
    ways = {
        '"': "; use bare names",
        "`": "; use bare names",
        ";": "; pass one statement",
        "::": "; write cast(... AS ...)",
        "==": "; write =",
        "'": "; a string is not closed",
        "/*": "; a comment is not closed",
        "//": "; write cast(floor(a / b) AS BIGINT)",
        "?": "; pass values as a table",
        "$": "; pass values as a table",
    }
    return ways.get(operator, "")
