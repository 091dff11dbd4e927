"""A few documents, questions and judgments, written for the tests of rankers."""

import pyarrow as pa

from consentinel.models.rows import DOCUMENTS

TEXTS = {
    "pear": "Pear trees\nHow to prune pear trees in winter. Pruning keeps the trees small.",
    "oven": "Ovens\nA hot oven bakes bread. Bread needs a hot oven and time.",
    "bread": "Bread\nBaking bread at home: flour, water, salt and a hot oven.",
    "winter": "Winter\nCold winter nights, snow and ice on the roads.",
    "bus": "Buses\nThe bus to the station leaves every hour, in snow too.",
    "empty": "",
}
ASKED = {"q1": "pruning of a pear tree", "q2": "hot oven for baking bread", "q3": "snow on winter roads", "q4": "zebra"}
JUDGED = {("q1", "pear"): 2, ("q2", "bread"): 2, ("q2", "oven"): 1, ("q3", "winter"): 1, ("q3", "bus"): 1}


def documents() -> pa.Table:
    """Return the documents."""
    return pa.Table.from_pylist([{"item": item, "text": text} for item, text in TEXTS.items()], DOCUMENTS)


def questions(*names: str) -> pa.Table:
    """Return the questions with NAMES, or all of them."""
    return pa.Table.from_pylist([{"query": name, "text": ASKED[name]} for name in names or ASKED], DOCUMENTS)


def judgments() -> pa.Table:
    """Return the judgments."""
    rows = [{"query": query, "item": item, "label": label} for (query, item), label in JUDGED.items()]
    return pa.Table.from_pylist(rows, DOCUMENTS)


def everything() -> pa.Table:
    """Return documents, questions and judgments in one table."""
    return pa.concat_tables([documents(), questions(), judgments()])


def ranking(found: pa.Table, query: str) -> list[str]:
    """Return the items that FOUND ranks for QUERY, in order."""
    return [row["item"] for row in found.to_pylist() if row["query"] == query]
