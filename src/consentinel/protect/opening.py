"""From what was typed, SQL or the name of a file, to a question that can be planned and measured."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from consentinel.core.contracts import Question
from consentinel.core.errors import BadInput, NotSupported, UsageError
from consentinel.core.extras import need
from consentinel.core.ledger import Ticket
from consentinel.protect.costing import Budget, Paid, Part, budget_of
from consentinel.protect.estimates import Law

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Answerable", "budget_for", "opened_question"]

LONGEST = 100_000


class Answerable(Protocol):
    """A question that can be planned and measured, whatever it is about."""

    @property
    def kind(self) -> str:
        """aggregates, lift, attribution or reach."""
        ...

    @property
    def needs_gaussian(self) -> bool:
        """Whether it is answered with Gaussian noise only."""
        ...

    @property
    def protects(self) -> str:
        """Who the privacy unit is."""
        ...

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it is answered by, each with a charge of its own."""
        ...

    def check_epoch(self, epoch: str) -> None:
        """Raise UsageError when data of other epochs than EPOCH, whose budget pays, would be read."""
        ...

    def check(self, paid: Sequence[Paid]) -> None:
        """Refuse what can be refused without reading a row."""
        ...

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of each table."""
        ...

    def question(self, digests: Mapping[str, str], /) -> Question:
        """Return the canonical question about the tables with DIGESTS."""
        ...

    def open(self, digests: Mapping[str, str], /) -> None:
        """Read and check what has to be, before anything is charged."""
        ...

    def release(
        self,
        tickets: Sequence[Ticket],
        paid: Sequence[Paid],
        digests: Mapping[str, str],
        level: float,
        run_id: str,
        /,
    ) -> "pa.Table":
        """Return the answer as RELEASES rows, for TICKETS in the order of PAID."""
        ...


def opened_question(
    text: str, tables: Path | None, *, groups: int = 0, rows: int = 0, read: Callable[[Path], Path] = Path
) -> Answerable:
    """Return the question TEXT: SQL, a file of SQL (.sql), or a TOML file that asks for lift, attribution or reach.

    TABLES declares the tables of SQL; GROUPS and ROWS bound a unit otherwise than declared (0: as declared); READ
    notes a file that is read.
    Raises UsageError, BadInput; MissingExtra without sqlglot.
    """
    if text.lower().endswith(".toml"):
        if tables is not None or groups or rows:
            raise UsageError(
                "a question in TOML names its files and bounds itself; leave out --tables, --groups, --rows"
            )
        from consentinel.protect.question_file import read as read_question

        return read_question(read(Path(text)))
    if tables is None:
        raise UsageError("a question in SQL needs --tables: the TOML file that declares its tables")
    need("sqlglot", extra="protect")
    from consentinel.protect import declared
    from consentinel.protect.asking import ask
    from consentinel.protect.sql_question import SqlQuestion

    statement = _text(read(Path(text))) if text.lower().endswith(".sql") else text
    known = declared.read(read(tables))
    return SqlQuestion(ask(statement, known, groups=groups or None, rows=rows or None), known)


def budget_for(question: Answerable, rho: str, epsilon: str, law: Law, delta: str) -> Budget:
    """Return the budget of QUESTION, as `budget_of`; raises NotSupported for a law that it is not answered under."""
    if law == "laplace" and question.needs_gaussian:
        raise NotSupported(f"{question.kind} is released with Gaussian noise: leave out --law")
    return budget_of(rho, epsilon, law, delta, names=any(part.names for part in question.parts))


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.read(LONGEST)
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror or why})", where=path.name, todo="Check the path") from None
    except UnicodeDecodeError:
        raise BadInput("is not a text in UTF-8", where=path.name, todo="Save it as UTF-8") from None
