"""What a model is shown: names and types of columns, and the values that the question itself names; no row, no text."""

import re

from consentinel.core.text import one_line
from consentinel.understand.askers._setting import Setting
from consentinel.understand.asking.cross import linked
from consentinel.understand.asking.live import Live

__all__ = ["messages", "statement"]

LONGEST_VALUE = 80
_RULES = (
    "You write one DuckDB SELECT that answers a question. Use only the tables, columns and values listed. "
    "Answer with the SQL only, ended by a semicolon."
)


def messages(question: str, live: Live, setting: Setting) -> list[dict[str, str]]:
    """Return the conversation that asks a model for SQL; raises Refused where a word of QUESTION means nothing here."""
    shown = []
    for table, items in linked(question, live, setting.today).items():
        columns = ", ".join(
            f"{c.name} {c.kind}" for c in live.tables[table].columns.values() if c.filled and c.role != "other"
        )
        shown.append(f"Table {table}: {columns}")
        for item in items:
            if item.tag == "VALUE" and len(item.what[0].value) <= LONGEST_VALUE:
                shown.append(f"'{item.text}' is {item.what[0].column} = '{one_line(item.what[0].value)}'")
    talk = [
        {"role": "system", "content": _RULES},
        {"role": "user", "content": "\n".join([*shown, f"Question: {one_line(question, 500)}"])},
    ]
    if setting.fault:
        sql, why = setting.fault
        talk += [{"role": "assistant", "content": sql}, {"role": "user", "content": f"{why}. Write it again."}]
    return talk


def statement(text: str) -> str:
    """Return the SQL in what a model said: what is fenced, or from SELECT or WITH to the semicolon."""
    fenced = re.search(r"```(?:sql)?\s*(.+?)```", text, re.S | re.I)
    inner = fenced[1] if fenced else text
    begun = re.search(r"\b(?:SELECT|WITH)\b.*", inner, re.S | re.I)
    return begun[0].partition(";")[0].strip() if begun else ""
