"""Which rows a question is about, beside the conditions that it names: what its nouns say, and what groups may mean."""

from consentinel.understand.asking.conditions import Conditions
from consentinel.understand.asking.query import Condition, Query
from consentinel.understand.asking.reading import Reading
from consentinel.understand.asking.refusal import Refused
from consentinel.understand.asking.words import rows_of

__all__ = ["implied", "one_sided", "whole"]


def whole(read: Reading) -> None:
    """Take 'of the audit' for what it is; raises Refused where the table is asked for as if it were one of its rows."""
    rows = rows_of(read.lexicon.table.name)
    for at in read.places("TABLE"):
        if not any(one.tag == "ROW" for one in read.items[:at]):
            raise Refused(f"the rows of {read.lexicon.table.name} are {rows}; ask for {rows}", 3)
        read.use(at)


def one_sided(query: Query, found: Conditions) -> None:
    """Raise Refused where groups are named by what their rows are not, or by two things that each row is one of.

    States without theft are not the states that have other incidents too; those with theft and loss have both.
    """
    each = [key.column for key in query.keys] if query.named and not query.limit else []
    each += [one.name for one in query.measures if "DISTINCT" in one.sql]
    if not each or query.pair:
        return
    told = f"it may be meant of one row or of all rows of each {each[0].removeprefix('n_')}; ask for counts instead"
    if any(one.turned for one in query.where):
        raise Refused(told, 3)
    if any(not either and column not in each for column, _, _, either in (*found.lists, *found.spans)):
        raise Refused(told, 3)


def implied(read: Reading, found: Conditions) -> list[Condition]:
    """Return what the noun says of the rows: a request is traffic that was sent, where there is other traffic too."""
    said = {item.what[0] for item in read.items if item.tag == "VALUE" and item.used}
    nouns = {item.what for item in read.items if item.tag == "ROW" and item.what}
    meant = nouns | {one for one in said if one.column in {noun.column for noun in nouns}}
    if len(meant) > 1:
        raise Refused(f"it speaks of {' and '.join(sorted(one.value for one in meant))} at once; ask for one of them")
    return [found.is_in(one.column, [one.value], 0) for one in nouns - said]
