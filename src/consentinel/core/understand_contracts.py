"""What each kind of part of the understand room promises; contracts.py has those of the other rooms."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "AskerPart",
    "ClassifierPart",
    "ExperimentPart",
    "ForecasterPart",
    "MaskingPart",
    "PaperPart",
    "SourcePart",
    "StoryPart",
]

Asking_contra = TypeVar("Asking_contra", contravariant=True)
Live_contra = TypeVar("Live_contra", contravariant=True)
Proposal_co = TypeVar("Proposal_co", covariant=True)
Span_co = TypeVar("Span_co", covariant=True)
Series_contra = TypeVar("Series_contra", contravariant=True)
Trial_contra = TypeVar("Trial_contra", contravariant=True)
Reading_co = TypeVar("Reading_co", covariant=True)
Teller_contra = TypeVar("Teller_contra", contravariant=True)
Story_contra = TypeVar("Story_contra", contravariant=True)


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
