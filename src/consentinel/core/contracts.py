"""What each kind of part promises, and the few shapes through which rooms meet without importing one another.

A part is a module, so a part's contract is a Protocol that a module fulfils: `_: RulePart = rules.some_rule` is
checked by the type checker, and the contract tests ask every part on a shelf to keep it at run time. Types that
belong to one room are type variables here: core knows their place, not their fields.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from consentinel.core.modelfile import ModelFile

__all__ = [
    "AskerPart",
    "AuditingPart",
    "ClassifierPart",
    "CollectorPart",
    "ExperimentPart",
    "ForecasterPart",
    "Judge",
    "JudgePart",
    "MaskingPart",
    "MechanismPart",
    "Model",
    "NoisePart",
    "PaperPart",
    "Plan",
    "Question",
    "ReportPart",
    "RulePart",
    "SignalPart",
    "SourcePart",
    "StoryPart",
    "SurfacePart",
    "Trainer",
    "TrainerPart",
    "TrustModel",
]

Batch_co = TypeVar("Batch_co", covariant=True)
Options_contra = TypeVar("Options_contra", contravariant=True)
Statement_co = TypeVar("Statement_co", covariant=True)
Pairs_contra = TypeVar("Pairs_contra", contravariant=True)
Result_contra = TypeVar("Result_contra", contravariant=True)
Bounds_contra = TypeVar("Bounds_contra", contravariant=True)
Statistic_co = TypeVar("Statistic_co", covariant=True)
Facts_contra = TypeVar("Facts_contra", contravariant=True)
Estimates_co = TypeVar("Estimates_co", covariant=True)
Plan_contra = TypeVar("Plan_contra", contravariant=True)
Finding_co = TypeVar("Finding_co", covariant=True)
Asking_contra = TypeVar("Asking_contra", contravariant=True)
Live_contra = TypeVar("Live_contra", contravariant=True)
Proposal_co = TypeVar("Proposal_co", covariant=True)
Span_co = TypeVar("Span_co", covariant=True)
Series_contra = TypeVar("Series_contra", contravariant=True)
Trial_contra = TypeVar("Trial_contra", contravariant=True)
Reading_co = TypeVar("Reading_co", covariant=True)
Teller_contra = TypeVar("Teller_contra", contravariant=True)
Story_contra = TypeVar("Story_contra", contravariant=True)


# Parts of the detect room's shelves


@runtime_checkable
class CollectorPart(Protocol[Options_contra, Batch_co]):
    """A source of traffic, read in batches so that memory does not grow with the file."""

    @property
    def __name__(self) -> str: ...

    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        """Ends of file names that it reads, lower case."""
        ...

    def read(self, path: Path, options: Options_contra, notes: list[str], /) -> Iterator[Batch_co]:
        """Yield batches of the file PATH; a record that cannot be read is told in NOTES and never costs the others."""
        ...


@runtime_checkable
class SignalPart(Protocol[Statement_co]):
    """A consent signal: the field names it travels under, and the reader of its strings."""

    @property
    def KEYS(self) -> Collection[str]:
        """The names of the fields that carry it, lower case."""
        ...

    def read(self, key: str, text: str, /) -> Statement_co | None:
        """Return what TEXT, found under KEY (lower case), says; None when it is no such signal. Never raises."""
        ...


@runtime_checkable
class SurfacePart(Protocol[Pairs_contra]):
    """A recogniser of one data type."""

    @property
    def TYPE(self) -> str:
        """The data type, as in the `type` column of DATA."""
        ...

    def recognise(self, pairs: Pairs_contra, /) -> "NDArray[np.float32]":
        """Return for each unique (key, value) pair the probability that it is of TYPE; shape (n,), in [0, 1]."""
        ...


@runtime_checkable
class RulePart(Protocol):
    """A rule over whole visits."""

    @property
    def __name__(self) -> str: ...

    @property
    def PROOF(self) -> str:
        """The proof level of its claims (P1 to P4); planted values raise it to P0."""
        ...

    @property
    def VERSION(self) -> str:
        """Raised whenever the same visits could give other claims."""
        ...

    def find(self, visits: "pa.Table", /) -> "pa.Table":
        """Return the rows of VISITS (whole visits, the wide table of the judge) that are claims of this rule."""
        ...


@runtime_checkable
class ReportPart(Protocol[Result_contra]):
    """A format that results are written in."""

    def write(self, result: Result_contra, out: Path, /) -> Path:
        """Write RESULT into the folder OUT and return the file."""
        ...


@runtime_checkable
class JudgePart(Protocol):
    """A way to judge: rules or a baseline, which need no model file, or a trained model."""

    @property
    def JUDGES(self) -> str:
        """What its judge is asked about: datum, purpose or claim."""
        ...

    @property
    def VERSION(self) -> str:
        """Raised whenever the same rows and the same model file could give other answers."""
        ...

    def open(self, model: "ModelFile | None", /) -> "Judge":
        """Return a judge that decides by MODEL; None: by the model that ships with the package, or by none."""
        ...


# Parts of the protect room's shelves


@runtime_checkable
class MechanismPart(Protocol[Bounds_contra, Statistic_co, Facts_contra, Estimates_co]):
    """An aggregate: the exact statistics that it needs, and the answer that their noisy values give."""

    @property
    def __name__(self) -> str: ...

    def needs(self, bounds: Bounds_contra, budget: Fraction, /) -> tuple[Statistic_co, ...]:
        """Return the statistics to compute under BOUNDS when BUDGET (rho, or epsilon) may be spent on them."""
        ...

    def shares(self, bounds: Bounds_contra, /) -> Mapping[str, Fraction]:
        """Return in which proportions the budget is split between the statistics that `needs` names."""
        ...

    def answer(
        self,
        noisy: "Mapping[str, NDArray[Any]]",
        scales: Mapping[str, float],
        bounds: Bounds_contra,
        level: float,
        /,
        *,
        law: Literal["gaussian", "laplace"] = "gaussian",
    ) -> Estimates_co:
        """Return the estimates from NOISY statistics whose noise has the standard deviations SCALES.

        Both are in lattice steps; a statistic has shape (groups,), or (groups, width).
        """
        ...

    def forecast(self, bounds: Bounds_contra, scales: Mapping[str, float], facts: Facts_contra, /) -> float:
        """Return the expected half width of the 95% interval, in the unit of the data; costs nothing."""
        ...


@runtime_checkable
class NoisePart(Protocol):
    """A sampler of noise on the integer lattice."""

    def draw(self, scale: Fraction, n: int, words: "Callable[[int], NDArray[np.uint64]]", /) -> "NDArray[Any]":
        """Return N independent draws of SCALE from the unpredictable WORDS; shape (n,)."""
        ...


@runtime_checkable
class AuditingPart(Protocol[Plan_contra, Finding_co]):
    """A test that tries to refute a privacy claim."""

    @property
    def CATCHES(self) -> tuple[str, ...]:
        """The bug classes that it is made for."""
        ...

    def audit(self, subject: Any, plan: Plan_contra, /) -> Finding_co:
        """Return whether SUBJECT keeps the claim of PLAN."""
        ...


# Parts of the understand room's shelves


@runtime_checkable
class SourcePart(Protocol[Asking_contra]):
    """A source of incidents and texts, read as columns of texts: nothing is guessed, parsed or masked yet."""

    @property
    def COLUMNS(self) -> Mapping[str, str]:
        """Which of its columns is which of ours, where its shape is known; empty where people name the columns."""
        ...

    @property
    def KIND(self) -> str:
        """The kind of its rows, as in INCIDENTS; empty where whoever asks says it."""
        ...

    def fits(self, path: Path, /) -> int:
        """Return 0 when PATH is nothing for it, 1 when the name is, 2 when what is in it is."""
        ...

    def read(self, path: Path, asking: Asking_contra, /) -> "Iterator[pa.Table]":
        """Yield batches of PATH: columns of string, where U+001F parts the items of a list, and source_row (int64).

        A record that cannot be read is counted in ASKING and costs no other one. Raises BadInput.
        """
        ...


@runtime_checkable
class MaskingPart(Protocol[Span_co]):
    """A recogniser of personal data in running text."""

    @property
    def KINDS(self) -> tuple[str, ...]:
        """What it finds, upper case: the word in the placeholder."""
        ...

    def find(self, text: str, /) -> "Iterator[Span_co]":
        """Yield the spans in TEXT, which may be many documents parted by the character U+0000 that no span holds."""
        ...


@runtime_checkable
class ForecasterPart(Protocol[Series_contra]):
    """A way to expect the next counts from those so far."""

    @property
    def NEEDS(self) -> str:
        """The package beyond the extra [learn] that it needs, or nothing."""
        ...

    def expect(self, history: Series_contra, horizon: int, /) -> "NDArray[np.float64]":
        """Return what is expected of the HORIZON steps after HISTORY; shape (horizon,), finite, at least 0."""
        ...


@runtime_checkable
class ClassifierPart(Protocol):
    """A way to learn classes of texts: it says a margin for each class, which others turn into probabilities."""

    @property
    def NEEDS(self) -> tuple[str, ...]:
        """The extras that it needs."""
        ...

    def train(
        self, texts: Sequence[str], targets: "NDArray[np.bool_]", seed: int, /
    ) -> "tuple[dict[str, NDArray[Any]], NDArray[np.float64]]":
        """Return the arrays (float32) that it keeps of TEXTS and TARGETS (n, classes), and for each text the margins
        (n, classes) of a machine that was trained without it."""
        ...

    def margins(self, arrays: "Mapping[str, NDArray[Any]]", texts: Sequence[str], /) -> "NDArray[np.float64]":
        """Return the margins of TEXTS, shape (n, classes), by the ARRAYS that `train` returned."""
        ...

    def shapes(self, arrays: "Mapping[str, NDArray[Any]]", classes: int, /) -> dict[str, tuple[int, ...]]:
        """Return the arrays that there have to be for so many CLASSES, and the shape of each."""
        ...

    def card(self) -> dict[str, str]:
        """Return what has to be the same where the arrays are used, such as the digest of an encoder."""
        ...


@runtime_checkable
class AskerPart(Protocol[Live_contra, Asking_contra, Proposal_co]):
    """A way to turn a question into SQL; what it proposes is checked before it runs."""

    @property
    def TRIES(self) -> int:
        """How many tries of it have to agree."""
        ...

    def propose(self, question: str, live: Live_contra, setting: Asking_contra, /) -> Proposal_co:
        """Return SQL over the tables of LIVE that may answer QUESTION; raises an error where there is none."""
        ...


@runtime_checkable
class ExperimentPart(Protocol[Trial_contra, Reading_co]):
    """A way to read an experiment."""

    @property
    def NEEDS(self) -> tuple[str, ...]:
        """Which columns of a trial it needs beyond outcome and arm: before, denominator, cluster, after, adjust."""
        ...

    def read(self, trial: Trial_contra, level: float, seed: int, /) -> Reading_co:
        """Return the effect with its interval at LEVEL, and the checks of what it assumes."""
        ...


@runtime_checkable
class StoryPart(Protocol[Teller_contra]):
    """What is asked of the tables, and the sentences that the answers are put into."""

    def tell(self, teller: Teller_contra, /) -> None:
        """Add queries, facts and texts to TELLER; a text has no number that is not a fact."""
        ...


@runtime_checkable
class PaperPart(Protocol[Story_contra]):
    """What a story can be printed as; equal stories give equal bytes, where no browser prints them."""

    @property
    def SUFFIX(self) -> str:
        """The end of the name of its file, without the dot."""
        ...

    def write(self, story: Story_contra, /) -> bytes:
        """Return STORY, printed."""
        ...


# Where rooms meet


@runtime_checkable
class Judge(Protocol):
    """Labels rows with a calibrated probability, and says when it does not know (detect, understand)."""

    @property
    def version(self) -> str:
        """Digest of what decides: the model file, or the rule's version."""
        ...

    def judge(self, rows: "pa.Table", /) -> "pa.Table":
        """Return one row per row, in order: label (string), p (float32), undecided (bool), why (string)."""
        ...


@runtime_checkable
class Model(Protocol):
    """A trained model as other rooms see it: something that scores rows (models make it, assure audits it)."""

    @property
    def kind(self) -> str:
        """recsys, ranking, vision, text, graph or tabular."""
        ...

    def predict(self, rows: "pa.Table", /) -> "pa.Table":
        """Return the scores of ROWS: one row per row, in order, column score (float64, finite); a recsys or ranking
        model returns instead (query, item, score), best first within a query."""
        ...

    def save(self, path: Path, /) -> Path:
        """Write the model as one safe file (core/modelfile.py) and return it."""
        ...


@runtime_checkable
class Trainer(Protocol):
    """Makes a model from rows, plainly or privately; assure calls it for shadow models and mitigation."""

    @property
    def kind(self) -> str:
        """The kind of model that it makes, as Model.kind."""
        ...

    def train(self, rows: "pa.Table", /, *, seed: int, tickets: Sequence[bytes] = ()) -> Model:
        """Return a model of ROWS; equal rows and seed give an equal model when no ticket is given.

        TICKETS are paid charges (core/ledger.py). A private trainer takes its noise from them and refuses to run
        without one; a plain trainer refuses to run with one.
        """
        ...


@runtime_checkable
class TrainerPart(Protocol):
    """A way to train a model: what can be set, the trainer, and how its model is read back."""

    @property
    def SETTINGS(self) -> type[Any]:
        """A frozen dataclass; each field has a default, a help and a range (models/asked.py)."""
        ...

    def trainer(self, settings: Any, /) -> Trainer:
        """Return the trainer with SETTINGS."""
        ...

    def load(self, file: "ModelFile", /) -> Model:
        """Return the model that was kept in FILE; raises BadInput where it holds none of this part."""
        ...


# The doors of the shelves of models: all hold ways to train.
AdPart: TypeAlias = TrainerPart
GraphPart: TypeAlias = TrainerPart
RankPart: TypeAlias = TrainerPart
RecommendPart: TypeAlias = TrainerPart
TextPart: TypeAlias = TrainerPart
UserPart: TypeAlias = TrainerPart
VisionPart: TypeAlias = TrainerPart


@dataclass(frozen=True)
class Question:
    """One declarative question, asked the same way under every trust model.

    Arguments: kind (lift, attribution, reach, sum, quantile, train); parameters, canonical JSON text with exact
    numbers written as strings. Make one by `Question.of`.
    """

    kind: str
    parameters: str

    @classmethod
    def of(cls, kind: str, parameters: Mapping[str, Any]) -> "Question":
        """Return the question with PARAMETERS in canonical form; raises ValueError for NaN or an infinity."""
        return cls(kind, json.dumps(dict(parameters), sort_keys=True, separators=(",", ":"), allow_nan=False))

    @property
    def digest(self) -> str:
        """SHA-256 of kind and parameters in hexadecimal: what a ticket is bound to."""
        return sha256(f"{self.kind}\n{self.parameters}".encode()).hexdigest()


@dataclass(frozen=True)
class Plan:
    """What answering a question would take, said before anything is spent."""

    mechanism: str
    params: tuple[tuple[str, str], ...]  # exact numbers as text, sorted by name: what a Charge is made from
    half_width: float  # of the 95% interval of the answer, in its unit, clipping and sampling included
    seconds: float
    moved_bytes: int  # between parties
    may_not_collude: tuple[str, ...]  # roles whose collusion breaks the promise; empty: nobody is trusted
    assumes: tuple[str, ...]  # fixed words: honest-but-curious, idealized-numerics, simulated-tee, ...


@runtime_checkable
class TrustModel(Protocol):
    """A way to answer a question that says whom one must trust (protect offers them, flows and models use them)."""

    def plan(self, question: Question, rows: int, /) -> Plan:
        """Return what QUESTION over a table of ROWS rows would cost; spends and reads nothing."""
        ...

    def measure(self, question: Question, tables: "Mapping[str, pa.Table]", tickets: Sequence[bytes], /) -> "pa.Table":
        """Return the noisy answer as rows (name, value, low, high); each data holder's TICKET is redeemed once.

        Refuses (BudgetRefused) a ticket whose question digest or mechanism is not that of QUESTION.
        """
        ...
