"""The detection matrix: each bug class planted in doubles, beside doubles without it, and the part that has to tell."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from consentinel.core.progress import each
from consentinel.protect.auditing import (
    answers,
    calibration,
    canaries,
    composition,
    histogram,
    lattice,
    ledgers,
    normaliser,
    sampling,
    sensitivity,
    timing,
    training,
)
from consentinel.protect.auditing._finding import Claim, Finding, Plan
from tests.protect.doubles import (
    accountants,
    averages,
    books,
    clocks,
    gaussians,
    loaders,
    noise,
    sparse_vectors,
    steps,
    sums,
)

__all__ = ["BUGS", "CASES", "LEVEL", "Case", "caught", "passed", "ran"]

LEVEL = 0.999  # of each audit: a sound double is refuted with a chance of at most 1 in 1,000
DELTA = 1e-5
BUGS = {
    "C1": "floating-point noise",
    "C2": "sensitivity of sums",
    "C3": "timing",
    "C4": "sampling that the accountant was not told",
    "C5": "divisor that depends on the data",
    "C6": "Gaussian formula outside its range",
    "C7": "accounting code",
    "C8": "mechanism code",
    "C9": "pitfalls of private training",
    "C10": "reset, replay, split identities",
}


@dataclass(frozen=True)
class Case:
    """One double under one part: what it is (its docstring), whether it was planted, and how it is audited."""

    bug: str
    double: str
    says: str
    planted: bool
    part: Any
    subject: Callable[[int], Any]  # seed -> what the part audits
    plan: Plan

    def run(self, seed: int = 0) -> Finding:
        """Audit the double that belongs to SEED."""
        found: Finding = self.part.audit(self.subject(seed), self.plan)
        return found


def _plan(claim: Claim, n: int, *pairs: tuple[list[float], list[float]]) -> Plan:
    return Plan(claim, n, tuple((np.array(one), np.array(two)) for one, two in pairs), LEVEL)


ONE = _plan(Claim(1.0), 20_000, ([0.0], [1.0]))
FRACTIONS = _plan(Claim(1.0), 20_000, ([0.0], [1.0]), ([0.0], [0.3]))
NOTHING = _plan(Claim(1.0), 8)
GAUSSIAN = Claim(1.0, "mu", DELTA)


def _cases() -> Iterator[Case]:
    def case(
        bug: str, part: Any, plan: Plan, sound: tuple[Any, ...], planted: tuple[Any, ...], *, seeded: bool
    ) -> Iterator[Case]:
        for bad, doubles in ((False, sound), (True, planted)):
            for make in doubles:
                subject = make if seeded else (lambda seed, make=make: make)
                says = (make.__doc__ or "").partition("\n")[0].removeprefix("Return ")
                says = says[:1].upper() + says[1:]
                yield Case(bug, make.__name__, says, bad, part, subject, plan)

    def made(*makers: FunctionType) -> tuple[Any, ...]:
        return tuple(_seedless(maker) for maker in makers)

    yield from case(
        "C1",
        lattice,
        FRACTIONS,
        (noise.discrete_laplace, noise.rounded_to_lattice),
        (noise.float_laplace, noise.float_gaussian, noise.off_the_lattice),
        seeded=True,
    )
    yield from case(
        "C2",
        sensitivity,
        NOTHING,
        made(sums.exact_whole, sums.lattice, sums.refusing),
        made(sums.wrapping, sums.passing_nan, sums.depending_on_order, sums.beyond_two_to_53, sums.narrow),
        seeded=True,
    )
    yield from case("C3", timing, _plan(Claim(1.0), 2000), (clocks.even,), (clocks.looping,), seeded=True)
    yield from case(
        "C4",
        sampling,
        NOTHING,
        (loaders.poisson,),
        (loaders.shuffled, loaders.fixed_size, loaders.with_replacement, loaders.in_blocks, loaders.truncated),
        seeded=True,
    )
    yield from case(
        "C5",
        normaliser,
        _plan(GAUSSIAN, 600),
        (averages.fixed_divisor,),
        (averages.floored_batch_size, averages.counted_rows),
        seeded=True,
    )
    yield from case(
        "C6",
        calibration,
        NOTHING,
        (gaussians.analytic, gaussians.classical_below_one),
        (gaussians.classical, gaussians.without_two, gaussians.not_a_number),
        seeded=False,
    )
    yield from case(
        "C7",
        composition,
        NOTHING,
        (accountants.exact, accountants.zcdp, accountants.plan_loss, accountants.advanced),
        (accountants.lost_log, accountants.multiplied_delta, accountants.root_of_sum, accountants.nan_at_small_delta),
        seeded=False,
    )
    yield from case(
        "C8",
        answers,
        _plan(Claim(sparse_vectors.EPSILON), 20_000),
        (sparse_vectors.sound, sparse_vectors.sound_with_fresh_threshold),
        (
            sparse_vectors.noise_without_cut,
            sparse_vectors.no_query_noise,
            sparse_vectors.no_cut,
            sparse_vectors.values_without_noise,
        ),
        seeded=True,
    )
    more = _plan(Claim(sparse_vectors.EPSILON), 80_000)
    yield from case("C8", answers, more, (), (sparse_vectors.noise_used_twice,), seeded=True)
    yield from case(
        "C8",
        histogram,
        ONE,
        (noise.discrete_laplace,),
        (noise.no_noise, noise.half_the_noise, sparse_vectors.zeros_without_noise),
        seeded=True,
    )
    yield from case(
        "C9",
        training,
        _plan(GAUSSIAN, 2500),
        (steps.sound,),
        (
            steps.mean_not_sum,
            steps.wrong_sensitivity,
            steps.clipped_after_sum,
            steps.accumulated,
            steps.skipping_empty,
            steps.passing_nan,
            steps.failing_on_empty,
        ),
        seeded=True,
    )
    yield from case(
        "C9",
        canaries,
        _plan(Claim(0.5, "mu", 1e-7), 8),
        (steps.one_run_with_noise,),
        (steps.one_run_without_noise,),
        seeded=True,
    )
    yield from case(
        "C10", ledgers, NOTHING, (books.Book,),
        (
            books.WithReset, books.Replayed, books.PerPrincipal, books.RolledBack, books.Floating, books.Racing,
            books.Unsigned,
        ), seeded=False,
    )  # fmt: skip


def _seedless(maker: FunctionType) -> Callable[[int], Any]:
    def make(seed: int) -> Any:
        return maker()

    make.__name__, make.__doc__ = maker.__name__, maker.__doc__
    return make


CASES = tuple(_cases())


def ran(seed: int = 0) -> list[tuple[Case, Finding]]:
    """Return every case with its finding on the doubles of SEED."""
    return [(case, case.run(seed)) for case in each(CASES, "doubles")]


def caught(found: Iterable[tuple[Case, Finding]]) -> list[str]:
    """Return the bug classes of which every planted double is refuted."""
    missed = {case.bug for case, finding in found if case.planted and finding.verdict != "refuted"}
    return [bug for bug in BUGS if bug not in missed]


def passed(found: Iterable[tuple[Case, Finding]]) -> list[Case]:
    """Return the doubles without a bug that the audit could have refuted and did not."""
    return [case for case, finding in found if not case.planted and finding.verdict == "consistent"]
