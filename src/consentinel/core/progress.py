"""Progress of long work: a bar on a terminal, events for whoever watches, silence everywhere else."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

__all__ = ["Observer", "each", "watched"]

T = TypeVar("T")
Observer = Callable[[str, int, int | None], None]  # label, items done, items in all (None: not known)

EVERY_S = 0.1  # a bar that is drawn more often is not easier to read
WIDTH = 30

_observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


@contextmanager
def watched(observer: Observer) -> Iterator[None]:
    """Send the progress of the work inside the block to OBSERVER instead of the terminal."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


def each(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield each of ITEMS and show how far the work LABEL is; TOTAL is taken from ITEMS where they know it."""
    total = len(items) if total is None and isinstance(items, Sized) else total
    show = _observer.get() or (_draw if sys.stderr.isatty() else None)
    if show is None:
        yield from items
        return
    done, shown_at = 0, 0.0
    try:
        for item in items:
            now = time.monotonic()
            if now - shown_at >= EVERY_S:
                show(label, done, total)
                shown_at = now
            yield item
            done += 1
    finally:
        show(label, done, total)
        if show is _draw:
            sys.stderr.write("\n")


def _draw(label: str, done: int, total: int | None) -> None:
    if total:
        full = min(WIDTH, WIDTH * done // total)
        text = f"{label} [{'#' * full}{'.' * (WIDTH - full)}] {done:,} of {total:,}"
    else:
        text = f"{label} {done:,}"
    sys.stderr.write(f"\r\x1b[K{text}")
    sys.stderr.flush()
