"""Examples of explanations on the page: a few answers, and what they are said to rest on."""

from itertools import groupby

from consentinel.assure.reports._words import figure
from consentinel.assure.results import Result, Row
from consentinel.core.page import Cell, Column, Html, h, table
from consentinel.core.page import figure as framed

__all__ = ["examples_figure"]

COLUMNS = (Column("Found by", choose=True), Column("About"), Column("Answer"), Column("Because of", wide=True))
NOTE = (
    "A few answers and the strongest reasons for them, with what each adds to the score. People, rows and items are "
    "numbers here, which mean nothing outside of this table. A reason says what moved the model, not what is true."
)


def examples_figure(result: Result) -> Html | None:
    """Return the examples of RESULT as a table under a heading; None where there are none."""
    if not result.examples:
        return None
    rows = []
    for (probe, about), some in groupby(result.examples, key=lambda row: (str(row["probe"]), str(row["about"]))):
        each = list(some)
        rows.append([
            Cell(probe.replace("_", " "), label=probe.replace("_", " ")), Cell(about), Cell(str(each[0]["answer"])),
            Cell(h("div", *(h("div", _reason(probe, one)) for one in each))),
        ])  # fmt: skip
    made = framed("Examples", table(COLUMNS, rows, caption="Answers and their reasons", search=False), note=NOTE)
    return Html(made.replace('class="figure"', 'class="figure full"', 1))


def _reason(probe: str, row: Row) -> str:
    if probe == "counterfactual":
        return f"{row['reason']}, were it another"
    size = float(row["contribution"])
    return f"{row['reason']} ({'+' if size > 0 else ''}{figure(size)})"
