"""The subject of an audit from files: rows, whose they are, what the model says, and what is wrong with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.assure import classified_rows, leaking, ranked_rows
from consentinel.assure.answering import AskedTrainer, Meaning, wrapped
from consentinel.assure.coming_in import came_in, trainer_named
from consentinel.assure.given import Given, Wish, groups_of, listed, model_of
from consentinel.assure.intake._opened import Opened
from consentinel.assure.ranked_forms import posed
from consentinel.assure.subject import KINDS, RANKED_KINDS, Subject
from consentinel.assure.tables_read import Columns, read
from consentinel.core.columns import one
from consentinel.core.errors import ConsentinelError, ContractBroken, UsageError
from consentinel.core.model_contracts import Trainer
from consentinel.core.run import Run

__all__ = ["Wish", "known", "made", "subject_of", "tables"]

_CLAIMED = "claimed epsilon and delta are numbers of at least 0, delta below 1"


def subject_of(run: Run, model: str, data: Path, wish: Wish) -> tuple[Subject, str]:
    """Return what is audited and the way that the model came in; raises UsageError, BadInput.

    What is wrong with single rows or people is told in the subject's notes and left out; the rest goes on.
    """
    known(wish)
    way, opened = came_in(model, wish.kind)
    named = trainer_named(wish.trainer, wish.kind) if wish.trainer else Opened()
    for path in (*opened.made_of, *named.made_of):
        run.read(path)
    name = Path(model).name if Path(model).suffix else model
    return made(tables(run, data, wish), wish, name, opened, named.trainer or opened.trainer), way


def known(wish: Wish) -> None:
    """Raise UsageError where WISH asks for what there is not."""
    if wish.kind not in KINDS:
        raise UsageError(f"no kind '{wish.kind[:40]}'; there is: {', '.join(KINDS)}")
    if wish.k < 1:
        raise UsageError(f"k, the cut-off rank, is at least 1; got {wish.k}")
    _claimed(wish)


def made(found: Given, wish: Wish, name: str, opened: Opened, trainer: Trainer | None) -> Subject:
    """Return the subject NAME of the tables FOUND, with the model OPENED and the TRAINER; raises as `subject_of`."""
    if wish.kind in RANKED_KINDS:
        subject = _ranked(found, wish, name, opened, trainer)
    else:
        subject = classified_rows.subject(found, wish, name, opened, trainer)
    subject = replace(subject, claimed=_claimed(wish))
    if opened.answers is not None:
        subject.notes.insert(0, f"{name} is a table of predictions: whatever needs to ask the model again is left out")
    return subject


def _claimed(wish: Wish) -> tuple[float, float] | None:
    if wish.claimed_epsilon is None:
        return None
    if not (wish.claimed_epsilon >= 0 and 0 <= wish.claimed_delta < 1):
        raise UsageError(f"{_CLAIMED}; got {wish.claimed_epsilon} and {wish.claimed_delta}")
    return wish.claimed_epsilon, wish.claimed_delta


def tables(run: Run, data: Path, wish: Wish) -> Given:
    """Return the tables that WISH names and the rows of DATA, which RUN records; raises UsageError, BadInput."""
    columns = Columns(wish.columns)
    read_ = {
        what: None if path is None else columns.renamed(read(run.read(path)))
        for what, path in (("data", data), ("learned", wish.learned), ("people", wish.people), ("items", wish.items))
    }
    columns.unmet()
    rows = read_["data"]
    assert rows is not None
    if not rows.num_rows:
        raise UsageError(f"{data.name}: there are no rows; nothing can be measured")
    learned = read_["learned"]
    if wish.label != "label":
        if wish.label not in rows.column_names:
            raise UsageError(f"{data.name}: no column '{wish.label[:60]}' (--label); there is: {listed(rows)}")
        rows, learned = (None if t is None else _named(t, wish.label) for t in (rows, learned))
        assert rows is not None
    wanted = [word.strip() for word in wish.groups.split(",") if word.strip()]
    return Given(rows, learned, read_["people"], read_["items"], wanted, [])


def _named(table: pa.Table, label: str) -> pa.Table:
    names = table.column_names
    if label not in names:
        return table
    if "label" in names:
        table = table.drop_columns(["label"])
    return table.rename_columns(["label" if name == label else name for name in table.column_names])


# Rankings


def _ranked(found: Given, wish: Wish, name: str, opened: Opened, trainer: Trainer | None) -> Subject:
    notes = found.notes
    learned, content, candidates, who, known = found.learned, None, None, found.rows, found.learned
    rows = found.rows
    if wish.kind == "ranking":
        asked = posed(rows, learned, wish.seed, notes)
        rows, learned, who, known = asked.rows, asked.learned, asked.who, asked.collection
        content, candidates = asked.content, asked.candidates
    rows = ranked_rows.truth(rows, wish.kind, notes)
    if learned is not None and wish.kind == "recsys":
        known = learned = ranked_rows.interactions(learned)
        met = leaking.repeated(rows, learned, wish.kind, set())
        if met.any():
            notes.append(
                f"labels leak: {int(met.sum()):,} of {len(met):,} held-out rows are among the learned ones; left out"
            )
            rows = rows.filter(pa.array(~met))
        ranked_rows.strangers(rows, learned, notes)
    queries = ranked_rows.queries(rows, wish.k, content)
    unit = np.asarray(pc.index_in(one(rows["query"]), one(queries["query"])), dtype=np.intp)
    answered: pa.Table | None = opened.answers
    model = None
    if answered is None:
        made = model_of(opened, learned, wish)
        model = wrapped(made, wish.kind, Meaning(), candidates)
        try:
            answered = model.predict(queries)
        except ConsentinelError:
            raise
        except Exception as why:
            raise ContractBroken(f"{name} cannot be asked: it raised {type(why).__name__}") from None
    answered = ranked_rows.answers(answered, queries, rows, known, name, notes)
    groups = groups_of(found, one(queries["query"]), who, ("user", "query", "unit"), unit_rows=None)
    items = None if found.items is None else ranked_rows.items(found.items, answered, notes)
    door = None if trainer is None else AskedTrainer(trainer, wish.kind, Meaning(), candidates)
    return Subject(wish.kind, name, rows, answered, unit, groups, queries=queries, items=items, learned=learned,
                   model=model, trainer=door, k=wish.k, notes=notes)  # fmt: skip
