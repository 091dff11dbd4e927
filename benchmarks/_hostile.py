"""What the claims about hostile input share: spoiling text and bytes, timing one input, and the sentence at the end."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

from benchmarks._claim import write
from consentinel.detect.observe import Observer
from consentinel.detect.shelves import SIGNALS, SURFACES

INPUTS = 100_000
SIGNS = [b'"', b"\\", b"{", b"}", b"[", b"]", b"\0", b"\xff", b"%", b"&", b"=", b"\\ud800"]
MARK = "jane@example.com"  # in the inputs; a message must not repeat it

T = TypeVar("T")


class Seen:
    """Counts inputs that went well, by form, and keeps the slowest."""

    def __init__(self) -> None:
        self.well, self.slowest, self.forms, self.ends = 0, 0.0, Counter[str](), Counter[str]()
        self._told = 0

    def timed(self, work: Callable[[], T]) -> tuple[T, float]:
        """Return what WORK gives and its seconds of processor time, which other work on the machine does not change.

        An exception passes; over a second is for the caller to tell.
        """
        start = time.process_time()
        found = work()
        seconds = time.process_time() - start
        if seconds <= 1:
            self.slowest = max(self.slowest, seconds)
        return found, seconds

    def bad(self, form: str, what: str) -> None:
        """Tell of an input that did not go well; the first twenty are printed."""
        self.ends["not well"] += 1
        self._told += 1
        if self._told <= 20:
            print(f"{form}: {what}", flush=True)

    def keep(self, name: str, seed: int, protocol: str) -> None:
        """Write the number NAME with what was fed, how it ended and what PROTOCOL calls well."""
        fed = ", ".join(f"{form} {n}" for form, n in sorted(self.forms.items()))
        ends = ", ".join(f"{end} {n}" for end, n in sorted(self.ends.items()))
        slowest = f"{self.slowest * 1e3:.0f} ms of processor time"
        said = f"seed {seed}; fed: {fed}; ended: {ends}; {protocol} (slowest {slowest})"
        write(name, value=self.well, low=self.well, high=self.well, n=INPUTS, protocol=said)


def pick(draw: random.Random, forms: Mapping[T, int]) -> T:
    """Return one of FORMS by weight."""
    return draw.choices([*forms], [*forms.values()])[0]


def spoiled(draw: random.Random, raw: bytes) -> bytes:
    """Return RAW cut, with bytes changed, put in, taken out or repeated."""
    data = bytearray(raw)
    for _ in range(draw.randint(1, 6)):
        at = draw.randint(0, len(data))
        match draw.randint(0, 4):
            case 0:
                del data[at:]
            case 1:
                data[at : at + draw.randint(0, 9)] = draw.randbytes(draw.randint(0, 9))
            case 2:
                data[at:at] = draw.choice(SIGNS)
            case 3:
                del data[at : at + draw.randint(1, 40)]
            case _:
                data[at:at] = data[at : at + draw.randint(1, 60)] * draw.randint(1, 5)
    return bytes(data)


def observer() -> Observer:
    """Return an observer with every recogniser and reader of consent, as a scan has it."""
    surfaces = [SURFACES.take(name) for name in SURFACES.names()]
    return Observer(bytes(32), surfaces, [SIGNALS.take(name) for name in SIGNALS.names()])
