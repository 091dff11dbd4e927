"""Put XOR shares of publisher and partner tables together again: what neither party could read alone.

Each party holds a table whose shared columns are 64-bit words; a column that both tables have is shared between them,
one that only one has is plain there. Meant for checking shares that two parties made, not for a live protocol.
"""

from pathlib import Path

import duckdb

from consentinel.core.errors import BadInput
from consentinel.protect.exchange import checked, raw_table

__all__ = ["rejoin", "rejoin_words"]

WORD = 2**64


def rejoin(connection: duckdb.DuckDBPyConnection, publisher: Path, partner: Path) -> tuple[str, str]:
    """Rejoin the shares in two bracket CSV files and return the names of the checked publisher and partner tables."""
    ours, theirs = (
        raw_table(connection, path, f"share {who}") for path, who in ((publisher, "publisher"), (partner, "partner"))
    )
    columns = {
        one: [str(row[0]) for row in connection.execute(f'DESCRIBE "{one}"').fetchall()] for one in (ours, theirs)
    }
    both = [name for name in columns[ours] if name in columns[theirs] and name != "id_"]
    uneven = connection.execute(
        f'SELECT count(*) FROM "{ours}" a FULL JOIN "{theirs}" b ON a.id_ = b.id_ WHERE a.id_ IS NULL OR b.id_ IS NULL'
    ).fetchall()
    if uneven[0][0]:
        raise BadInput(
            f"{uneven[0][0]} people have only one share", where=publisher.name, todo="Take shares of one run"
        )
    word = f"((trim(c)::HUGEINT % {WORD} + {WORD}) % {WORD})::UBIGINT"  # a minus sign means two's complement
    words = f"list_transform(string_split(trim({{}}, '[] '), ','), lambda c: {word})"
    shown = ["a.id_ AS id_"]
    for name in dict.fromkeys([*columns[ours], *columns[theirs]]):
        if name in both:
            left, right = (words.format(f'{side}."{name}"') for side in "ab")
            joined = f"list_transform(list_zip({left}, {right}), lambda p: {_signed('xor(p[1], p[2])')})"
            shown.append(f"CASE WHEN trim(a.\"{name}\", '[] ') = '' THEN [] ELSE {joined} END AS \"{name}\"")
        elif name != "id_":
            shown.append(f'{"a" if name in columns[ours] else "b"}."{name}"')
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE rejoined AS SELECT {', '.join(shown)} "
        f'FROM "{ours}" a JOIN "{theirs}" b USING (id_)'
    )
    names = []
    for who in ("publisher", "partner"):
        names.append(checked(connection, "rejoined", f"attribution.{who}", None, "the rejoined shares"))
    return names[0], names[1]


def rejoin_words(one: int, other: int) -> int:
    """Return the signed 64-bit number whose XOR shares are ONE and OTHER (signed or not)."""
    word = (one ^ other) % WORD
    return word - WORD if word >= WORD // 2 else word


def _signed(word: str) -> str:
    return f"CASE WHEN {word} >= {WORD // 2} THEN ({word}::HUGEINT - {WORD})::BIGINT ELSE {word}::BIGINT END"
