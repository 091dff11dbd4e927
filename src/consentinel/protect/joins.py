"""The FROM of a question: which tables, which columns it can see, how they are joined, and what one person may change.

- Private with private, by the unit column of both: every joined row belongs to one person, who is bounded after the
  join. Each table is cut to its declared fan-out per person first, so that the join cannot explode.
- Private with private, by another column: persons meet. Each table is first cut to its fan-out per person (a rows of
  one person on the left, b on the right), then to its fan-out per value of the column (c rows on the left). Rows then
  belong to the person on the left. Taking one person away removes their own contribution; on the left it lets at most
  a rows of others in, and on the right it changes at most b values of the column with at most c rows on the left each.
  So at most a + b c other persons change what they contribute, by at most one old and one new contribution:
  1 + 2 (a + b c) contributions in all. That is `reach`; every sensitivity is multiplied by it.
- Private with public: a joined row belongs to the person of the private row; nothing more is needed.

Source: stability of truncated joins, as in McSherry 2009 (PINQ) and Tumult Analytics' private joins.
"""

from dataclasses import dataclass, field

from sqlglot import exp

from consentinel.core.errors import UsageError
from consentinel.protect.asked import Joined
from consentinel.protect.declared import EVERY_ROW, Column, Declared, Private, Public
from consentinel.protect.expressions import quoted, render, resolve
from consentinel.protect.toml_values import near

__all__ = ["From", "Source", "check_clauses", "conjuncts", "from_clause"]

MOST_TABLES, DEEPEST = 8, 5
_CLAUSES = {
    "having": "HAVING looks at exact aggregates; filter the released numbers instead, which costs nothing",
    "order": "ORDER BY sorts by private values; sort the released numbers instead, which costs nothing",
    "limit": "LIMIT picks by private values; ask for APPROX_TOP_K(column, k), or cut the released numbers",
    "offset": "OFFSET picks by private values; cut the released numbers instead",
    "distinct": "SELECT DISTINCT is not supported; use GROUP BY",
    "qualify": "QUALIFY looks at other rows; leave it out",
    "windows": "a window looks at other rows; leave it out",
    "laterals": "LATERAL is not supported; join a declared table",
    "sample": "TABLESAMPLE is not needed: the planner bounds what each unit contributes by itself",
    "into": "SELECT INTO is not supported; the answer is kept by the run",
    "pivots": "PIVOT is not supported; use GROUP BY",
}
_KNOWN = frozenset(["expressions", "from_", "from", "joins", "where", "group", "with_", "with"])


@dataclass
class Source:
    """One table of a FROM: as declared, its alias in the SQL, its name in the question, and its visible columns."""

    table: Private | Public
    alias: str
    label: str
    seen: dict[str, exp.Expression]  # lower-case name -> expression over the table's own columns
    side: str = ""
    on: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class From:
    """A whole FROM: its tables, conditions of its subqueries, the reach of one person, the fan-outs to cut to."""

    sources: list[Source]
    conditions: list[exp.Expression] = field(default_factory=list)
    using: dict[str, exp.Expression] = field(default_factory=dict)
    reach: int = 1
    fanout: list[tuple[str, str, int]] = field(default_factory=list)
    by_unit: bool = False

    def scope(self, table: str, column: str) -> exp.Expression:
        """Return what TABLE.COLUMN stands for (TABLE may be empty); raises UsageError."""
        name = column.lower()
        if not table and name in self.using:
            return self.using[name]
        among = [s for s in self.sources if not table or s.label == table.lower()]
        if not among:
            raise UsageError(
                f"'{table[:60]}' is no table of this question; {near(table, [s.label for s in self.sources])}"
            )
        found = [s for s in among if name in s.seen]
        if not found:
            have = [n for s in among for n in s.seen]
            raise UsageError(f"no column '{column[:60]}' is declared; {near(column, have)}")
        if len(found) > 1:
            raise UsageError(f"'{column[:60]}' is in several tables; write table.{column[:60]}")
        return found[0].seen[name]

    def column(self, alias: str, name: str) -> Column:
        """Return what is declared of the column NAME of the table ALIAS."""
        return self.source(alias).table.columns[name]

    def source(self, alias: str) -> Source:
        """Return the table ALIAS."""
        return next(s for s in self.sources if s.alias == alias)

    def units(self) -> set[tuple[str, str]]:
        """Return the (alias, column) pairs that say whose a joined row is."""
        first = self.sources[0]
        own = {(first.alias, first.table.unit)} if isinstance(first.table, Private) else set()
        if self.by_unit:
            inner = [s for s in self.sources if s.side == "INNER"]  # after a LEFT JOIN it may be null
            own |= {(s.alias, s.table.unit) for s in inner if isinstance(s.table, Private)}
        return own

    def joined(self, read: set[tuple[str, str]]) -> tuple[Joined, ...]:
        """Return the tables with the columns that are READ, as (alias, column), or needed to join them."""
        needed = set(read) | {(alias, column) for alias, column, _ in self.fanout}
        for source in self.sources:
            needed |= {(source.alias, own) for _, own in source.on}
            if isinstance(source.table, Private):
                needed.add((source.alias, source.table.unit))
        found = []
        for s in self.sources:
            earlier = [left for t in self.sources for left, _ in t.on]
            used = [c for c in s.table.columns if (s.alias, c) in needed or f"{s.alias}.{quoted(c)}" in earlier]
            unit = s.table.unit if isinstance(s.table, Private) else ""
            found.append(Joined(s.table.name, s.alias, unit, tuple(used), s.side, tuple(s.on)))
        return tuple(found)


def check_clauses(select: exp.Expression, what: str) -> None:
    """Raise UsageError for a clause of SELECT that is not supported."""
    for name, value in select.args.items():
        if value in (None, [], False):
            continue
        if name in _CLAUSES:
            raise UsageError(f"{what}: {_CLAUSES[name]}")
        if name not in _KNOWN:
            raise UsageError(f"{what}: '{name}' is not supported; leave it out")


def from_clause(select: exp.Select, declared: Declared) -> From:
    """Return what the FROM and JOIN of SELECT mean over the DECLARED tables; raises UsageError."""
    named: dict[str, exp.Expression] = {}
    clause = select.args.get("with_") or select.args.get("with")
    if clause is not None:
        if clause.args.get("recursive"):
            raise UsageError("WITH RECURSIVE is not supported; a question reads each row once")
        named = {cte.alias.lower(): cte.this for cte in clause.expressions}
    first = select.args.get("from_") or select.args.get("from")
    if first is None:
        raise UsageError("FROM is missing; name a declared table")
    found = From([])
    _add(found, first.this, declared, named)
    for join in select.args.get("joins") or []:
        before = len(found.conditions)
        _add(found, join.this, declared, named)
        if join.args.get("side") and len(found.conditions) > before:
            raise UsageError("LEFT JOIN of a subquery with WHERE is not supported; filter in the outer WHERE")
        _join(found, join)
    return found


def _add(whole: From, node: exp.Expression, declared: Declared, named: dict[str, exp.Expression]) -> None:
    if len(whole.sources) >= MOST_TABLES:
        raise UsageError(f"a question joins at most {MOST_TABLES} tables")
    alias = f"t{len(whole.sources)}"
    source = _source(whole, node, alias, declared, named, 0)
    label = (node.alias or source.label).lower()
    if any(s.label == label for s in whole.sources):
        raise UsageError(f"two tables are called '{label[:60]}'; name one with AS")
    source.label = label
    whole.sources.append(source)


def _source(
    whole: From, node: exp.Expression, alias: str, declared: Declared, named: dict[str, exp.Expression], depth: int
) -> Source:
    if depth > DEEPEST:
        raise UsageError(f"subqueries are nested more than {DEEPEST} deep; write one")
    if isinstance(node, exp.Table):
        for name, value in node.args.items():
            if value not in (None, [], False) and name not in ("this", "alias"):
                raise UsageError(f"a table is named by its declared name alone; leave out '{name}'")
        if not isinstance(node.this, exp.Identifier):
            raise UsageError("a function in FROM is not supported; declare the file as a table")
        if (columns_of := node.args.get("alias")) is not None and columns_of.args.get("columns"):
            raise UsageError("an alias with column names is not supported; name the columns in a subquery")
        if node.name.lower() in named:
            return _subquery(
                whole, named[node.name.lower()], node.name, alias, declared, _without(named, node.name), depth
            )
        table = declared.table(node.name)
        seen: dict[str, exp.Expression] = {c.lower(): exp.column(c, table=alias, quoted=True) for c in table.columns}
        return Source(table, alias, table.name.lower(), seen)
    if isinstance(node, exp.Subquery):
        if any(v and k not in ("this", "alias") for k, v in node.args.items()):
            raise UsageError("a subquery in FROM has an alias and nothing more")
        return _subquery(whole, node.this, node.alias or alias, alias, declared, named, depth)
    raise UsageError(f"'{node.key}' in FROM is not supported; name a declared table")


def _without(named: dict[str, exp.Expression], name: str) -> dict[str, exp.Expression]:
    return {k: v for k, v in named.items() if k != name.lower()}


def _subquery(
    whole: From,
    node: exp.Expression,
    label: str,
    alias: str,
    declared: Declared,
    named: dict[str, exp.Expression],
    depth: int,
) -> Source:
    """Flatten a row-wise SELECT: its columns are put in place of their names, its WHERE joins the others."""
    if not isinstance(node, exp.Select):
        raise UsageError("a subquery is one SELECT of a declared table")
    check_clauses(node, "a subquery")
    for what in ("group", "joins", "with_", "with"):
        if node.args.get(what):
            raise UsageError(f"a subquery with {what.strip('_').upper()} is not row-wise; join and group in the outer")
    clause = node.args.get("from_") or node.args.get("from")
    if clause is None:
        raise UsageError("a subquery reads a declared table")
    inner = _source(whole, clause.this, alias, declared, named, depth + 1)
    inner.label = (clause.this.alias or inner.label).lower()
    scope = From([inner]).scope
    seen: dict[str, exp.Expression] = {}
    for item in node.expressions:
        if isinstance(item, exp.Star) and not any(item.args.values()):
            seen |= inner.seen
            continue
        if not item.alias_or_name:
            raise UsageError("each column of a subquery has a name; add AS name")
        resolved = resolve(item.unalias(), scope)
        render(resolved)
        seen[item.alias_or_name.lower()] = resolved
    if node.args.get("where") is not None:
        whole.conditions.append(resolve(node.args["where"].this, scope))
    return Source(inner.table, alias, label, seen)


def _join(whole: From, join: exp.Join) -> None:
    new = whole.sources[-1]
    side = (join.args.get("side") or "").upper() or "INNER"
    for name, value in join.args.items():
        if value not in (None, [], False) and name not in ("this", "side", "kind", "on", "using"):
            raise UsageError(f"JOIN with '{name}' is not supported; join by equal columns")
    if side not in ("INNER", "LEFT") or (join.args.get("kind") or "").upper() not in ("", "INNER", "OUTER"):
        raise UsageError("only JOIN and LEFT JOIN are supported; put the private table first")
    new.side = side
    earlier = From(whole.sources[:-1], using=whole.using)
    pairs: list[tuple[exp.Expression, exp.Expression]] = []
    for name in join.args.get("using") or []:
        left, right = earlier.scope("", name.name), From([new]).scope("", name.name)
        pairs.append((left, right))
        whole.using[name.name.lower()] = left
    if join.args.get("on") is not None:
        pairs += [_pair(part, whole) for part in conjuncts(join.args["on"])]
    if not pairs:
        raise UsageError("a join needs ON a.x = b.y or USING (x)")
    for left, right in pairs:
        if not isinstance(left, exp.Column) or not isinstance(right, exp.Column):
            raise UsageError("tables are joined by plain columns; put the computed column into the table beforehand")
        if right.table != new.alias:
            left, right = right, left
        if right.table != new.alias or left.table == new.alias:
            raise UsageError("each condition of ON compares a column of the new table with one of an earlier table")
        new.on.append((render(left), right.name))
    if isinstance(new.table, Private):
        _meet(whole, new)


def conjuncts(node: exp.Expression) -> list[exp.Expression]:
    """Return the conditions that NODE joins by AND."""
    if isinstance(node, exp.Paren):
        return conjuncts(node.this)
    if isinstance(node, exp.And):
        return conjuncts(node.this) + conjuncts(node.expression)
    return [node]


def _pair(node: exp.Expression, whole: From) -> tuple[exp.Expression, exp.Expression]:
    if not isinstance(node, exp.EQ):
        raise UsageError("ON has only equal columns, joined by AND; put other conditions into WHERE")
    found = resolve(node, whole.scope)
    return _bare(found.this), _bare(found.expression)


def _bare(node: exp.Expression) -> exp.Expression:
    return _bare(node.this) if isinstance(node, exp.Paren) else node


def _meet(whole: From, new: Source) -> None:
    """Work out what one person may change where the private table NEW is joined to the first one."""
    first = whole.sources[0]
    privates = [s for s in whole.sources if isinstance(s.table, Private)]
    if not isinstance(first.table, Private) or len(privates) > 2 or not isinstance(new.table, Private):
        raise UsageError("at most two private tables are joined, one of them the first of FROM")
    own = f"{first.alias}.{quoted(first.table.unit)}"
    left_limit, right_limit = _limit(first, first.table.unit), _limit(new, new.table.unit)
    whole.fanout += [(first.alias, first.table.unit, left_limit), (new.alias, new.table.unit, right_limit)]
    if (own, new.table.unit) in new.on:
        whole.by_unit = True
        return
    start = f"{first.alias}."
    keys = [(left, right) for left, right in new.on if left.startswith(start)]
    if not keys:
        raise UsageError("two private tables are joined directly, by the unit of both or by a column with a fan-out")
    left_column = next(c for c in first.table.columns if f"{start}{quoted(c)}" == keys[0][0])
    most_left, most_right = _limit(first, left_column), _limit(new, keys[0][1])
    whole.fanout += [(first.alias, left_column, most_left), (new.alias, keys[0][1], most_right)]
    whole.reach = 1 + 2 * (left_limit + right_limit * most_left)


def _limit(source: Source, column: str) -> int:
    if isinstance(source.table, Private) and column in source.table.fanout:
        return source.table.fanout[column]
    if isinstance(source.table, Private) and source.table.unit == EVERY_ROW:
        raise UsageError(
            f"'{source.table.name}' has no column that says whose row it is (unit = '*'), so its people cannot be "
            "followed through a join of private tables; name the column with their ids as unit"
        )
    raise UsageError(
        f"a join of private tables needs a bound: declare fanout.{column} of '{source.table.name}', the most rows that "
        "are kept for one value of it"
    )
