"""Studies of apps: tables of what apps sent to whom before and after a choice, of consent screens and store labels."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import codes, labels, one, relabel
from consentinel.core.errors import BadInput
from consentinel.core.mask import field_names
from consentinel.core.text import one_line
from consentinel.detect.collectors import _app_tables, _app_visits, _open
from consentinel.detect.collectors._app_tables import DECLARED, FIELDS, SCREENS, SENT, StudyTable, plain, words
from consentinel.detect.collectors._batch import Batch, Options, micros
from consentinel.detect.collectors._request_table import SUFFIXES
from consentinel.detect.collectors._request_table import rows as table_rows

__all__ = ["FIELDS", "FOLDER", "SUFFIXES", "holds", "read"]

FOLDER = True  # the tables of one folder are one study
PLATFORMS = frozenset(("android", "ios"))
_APP_ID = re.compile(r"[\w.-]{1,150}")


def holds(path: Path, options: Options) -> bool:
    """Return whether the table PATH is one of a study of apps, by its columns; False for what cannot be read."""
    with suppress(BadInput):
        for name, stream in _open.members(path, options.key):
            with _open.unpacking(name):
                columns, _ = table_rows(name, stream, path, [])
                return bool(_app_tables.kind_of(columns, options.columns))
    return False


def read(path: Path, options: Options, notes: list[str]) -> Iterator[Batch]:
    """Yield one batch: the study of apps that the table PATH and those in `options.beside` are.

    A visit is one app under one condition; what it sent is DATA, one row a recipient, data type and kind of link.
    Whether a choice was offered is CONSENT: `unset` before a choice that was, `unknown` where none was shown. Raises
    UsageError for columns that are missing or mapped wrongly, and BadInput when nothing tells what apps sent.
    """
    files, have, tables = (path, *options.beside), set[str](), list[StudyTable]()
    left_out = []
    for file in files:
        table = _app_tables.opened(file, options.key, options.columns, notes, have)
        if table is None:
            left_out.append(_open.safe_name(file))
        else:
            tables.append(table)
    source = _open.safe_name(path if len(files) == 1 else path.parent)
    _app_tables.check_map(options.columns, have, source)
    if left_out:
        notes.append(f"{source}: not part of the study of apps, left out: {', '.join(left_out)}")
    study = _Study(source, options, notes)
    for table in tables:
        study.add(table)
    yield study.batch()


class _Study:
    """Collects the rows of all tables in our words, then numbers visits and cuts out what rooms exchange."""

    def __init__(self, source: str, options: Options, notes: list[str]) -> None:
        self.source, self.options, self.notes = source, options, notes
        self._sent: list[pa.Table] = []
        self._declared: list[pa.Table] = []
        self._screens: dict[str, str] = {}  # subject -> the word for what it showed

    def add(self, table: StudyTable) -> None:
        """Take the rows of TABLE; what is left out or not understood is told."""
        needed = [table.rows[f] for f in ("app", *(["data_type"] if table.kind != SCREENS else []))]
        usable = np.all([pc.not_equal(c, "").to_numpy() for c in needed], axis=0)
        if not usable.all():
            self._note(table, f"{int((~usable).sum()):,} rows without an app or a data type were left out")
        rows = table.rows.filter(pa.array(usable))
        pairs = pc.binary_join_element_wise(rows["platform"], rows["app"], ":")
        rows = rows.append_column("subject", _each(pairs, _subject))
        {SENT: self._add_sent, SCREENS: self._add_screens, DECLARED: self._add_declared}[table.kind](table, rows)

    def _add_sent(self, table: StudyTable, rows: pa.Table) -> None:
        if "condition" in table.told:
            scenario = _each(rows["condition"], lambda word: words("conditions").get(plain(word), "unknown"))
            odd = sum(
                plain(word) not in {*words("conditions"), "", "unknown"} for word in rows["condition"].to_pylist()
            )
            if odd:
                self._note(table, f"{odd:,} rows have a word for what was done that is not known: taken as unknown")
        else:
            named = [words("conditions")[w] for w in plain(table.name).split("_") if w in words("conditions")]
            told = named[0] if named else self.options.scenario
            self._note(table, f"no column says what was done: taken as {told}" + ", from its name" * bool(named))
            scenario = relabel(np.zeros(rows.num_rows, np.int64), [told])
        recipient = _each(rows["tracker"], _recipient)
        unknown = recipient.null_count
        if unknown:
            self._note(table, f"{unknown:,} rows do not say to whom: they are kept and not judged")
        self._sent.append(
            pa.table(
                {
                    "subject": rows["subject"], "scenario": scenario, "recipient": recipient,
                    "key": _each(rows["data_type"], _key), "type": self._types(table, rows["data_type"]),
                    "carrier": _each(rows["linked"], lambda word: words("linked").get(plain(word))),
                    "count": _numbers(rows["count"], _count), "time": _numbers(rows["time"], _when),
                }
            )
        )  # fmt: skip

    def _add_declared(self, table: StudyTable, rows: pa.Table) -> None:
        known = words("declarations")
        self._declared.append(
            pa.table(
                {
                    "subject": rows["subject"], "key": _each(rows["data_type"], _key),
                    "type": self._types(table, rows["data_type"]),
                    "carrier": _each(rows["declared"], lambda word: plain(word) if plain(word) in known else "other"),
                }
            )
        )  # fmt: skip

    def _add_screens(self, table: StudyTable, rows: pa.Table) -> None:
        meaning, odd = words("screens"), 0
        for subject, screen in zip(rows["subject"].to_pylist(), rows["screen"].to_pylist(), strict=True):
            word = plain(screen)
            odd += word not in meaning
            word = word if word in meaning else "unknown"
            if meaning.get(self._screens.get(subject, "")) != "choice":
                self._screens[subject] = word
        if odd:
            self._note(table, f"{odd:,} rows have a word for the screen that is not known: taken as no choice")

    def _types(self, table: StudyTable, column: pa.ChunkedArray) -> pa.DictionaryArray:
        """Our types of the study's; words without one are kept without a type and told."""
        no_type = words("about_the_app") | (words("declared_only") if table.kind == DECLARED else {})
        known = words("types")
        coded = one(column.dictionary_encode())
        said = [plain(word) for word in labels(coded)]
        n = np.bincount(codes(coded), minlength=len(said))
        odd = [f"{_key(w)} ({n[i]:,})" for i, w in enumerate(said) if w not in known and w not in no_type]
        if odd:
            self._note(table, f"kept without a type, as the word is not in app_study.toml: {', '.join(odd[:12])}")
        return relabel(codes(coded), [known.get(word) for word in said])

    def _note(self, table: StudyTable, text: str) -> None:
        self.notes.append(f"{table.name}: {text}")

    def batch(self) -> Batch:
        """Return everything as one whole batch. Raises BadInput when nothing was sent."""
        if not sum(table.num_rows for table in self._sent):
            todo = "Name columns with --columns app=COLUMN,tracker=COLUMN,data_type=COLUMN"
            raise BadInput("no row tells what an app sent to whom", where=self.source, todo=todo)
        sent = pa.concat_tables(self._sent).unify_dictionaries()
        declared = pa.concat_tables(self._declared).unify_dictionaries() if self._declared else None
        shown = set(self._screens)
        apps = set(pc.unique(sent["subject"].cast(pa.string())).to_pylist())
        if shown and apps - shown:
            self.notes.append(
                f"{self.source}: {len(apps - shown):,} apps have no row about a screen: no choice is known"
            )
        choice = {s for s, word in self._screens.items() if words("screens").get(word) == "choice"}
        return _app_visits.batch(sent, declared, self._screens, choice, self.source, self.options)


def _each(column: pa.ChunkedArray, say: Callable[[str], str | None]) -> pa.DictionaryArray:
    """Return what SAY makes of each text of COLUMN, asked once for each distinct one."""
    coded = one(column.dictionary_encode())
    return relabel(codes(coded), [say(text) for text in labels(coded)])


def _numbers(column: pa.ChunkedArray, say: Callable[[str], int | None]) -> pa.Array:
    coded = one(column.dictionary_encode())
    return pa.array([say(text) for text in labels(coded)], pa.int64()).take(coded.indices)


def _count(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 1


def _when(text: str) -> int | None:
    return micros(float(text) if text.isdecimal() else text) if text else None


def _subject(pair: str) -> str:
    """`android:org.example.app`; the platform is `app` where it is neither Android nor iOS."""
    platform, _, app = pair.partition(":")
    name = app if _APP_ID.fullmatch(app) else one_line(field_names([app])[0], 150)
    return f"{platform.lower() if platform.lower() in PLATFORMS else 'app'}:{name}"


def _key(word: str) -> str:
    return one_line(field_names([word])[0], 100)


def _recipient(tracker: str) -> str | None:
    """The host that stands for TRACKER; None when the study does not say who it is."""
    word = plain(tracker)
    if not word or word in words("no_recipient"):
        return None
    known = words("recipients").get(word)
    return known or one_line(field_names([tracker.lower()])[0], 100)
