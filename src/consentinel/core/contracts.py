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

from consentinel.core.model_contracts import Model, Trainer

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from consentinel.core.modelfile import ModelFile

__all__ = [
    "AuditingPart",
    "CollectorPart",
    "IntakePart",
    "Judge",
    "JudgePart",
    "MechanismPart",
    "MitigatePart",
    "NoisePart",
    "Plan",
    "ProbePart",
    "Question",
    "ReportPart",
    "RulePart",
    "SignalPart",
    "SurfacePart",
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


# Parts of the assure room's shelves

Subject_contra = TypeVar("Subject_contra", contravariant=True)
Measure_co = TypeVar("Measure_co", covariant=True)
Mitigated_co = TypeVar("Mitigated_co", covariant=True)
Opened_co = TypeVar("Opened_co", covariant=True)


@runtime_checkable
class IntakePart(Protocol[Opened_co]):
    """A way in which a model comes into an audit."""

    @property
    def ALLOWS(self) -> str:
        """What can be measured of a model that comes in this way, in a sentence."""
        ...

    def takes(self, given: str, /) -> bool:
        """Return whether GIVEN, what somebody typed, looks like a model of this way; opens and runs nothing."""
        ...

    def opened(self, given: str, kind: str, /) -> Opened_co:
        """Return the model GIVEN, or its answers; raises BadInput or UsageError. Never runs code of a model file."""
        ...


@runtime_checkable
class ProbePart(Protocol[Subject_contra, Plan_contra, Measure_co]):
    """Something that an audit measures of a model: fairness, explanation, robustness or leakage."""

    @property
    def KINDS(self) -> tuple[str, ...]:
        """The kinds of model that it can measure, as Model.kind."""
        ...

    @property
    def NEEDS(self) -> tuple[str, ...]:
        """What it cannot do without, of the words of assure/subject.py; an audit says which are missing."""
        ...

    def probe(self, subject: Subject_contra, plan: Plan_contra, /) -> "Iterator[Measure_co]":
        """Yield what was measured of SUBJECT; what cannot be measured is told in a measure without a value."""
        ...


FairPart: TypeAlias = ProbePart
ExplainPart: TypeAlias = ProbePart
RobustPart: TypeAlias = ProbePart
PrivatePart: TypeAlias = ProbePart


@runtime_checkable
class MitigatePart(Protocol[Subject_contra, Mitigated_co]):
    """A way to narrow a gap: before, during or after training."""

    @property
    def KINDS(self) -> tuple[str, ...]:
        """The kinds of model that it can mitigate, as Model.kind."""
        ...

    @property
    def WHEN(self) -> str:
        """before, during or after training."""
        ...

    def mitigate(self, subject: Subject_contra, attribute: str, /, *, seed: int) -> Mitigated_co:
        """Return SUBJECT as it answers when its gap over ATTRIBUTE was narrowed, chosen on rows that are not tested."""
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
