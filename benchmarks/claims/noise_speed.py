"""Draws a second of our exact sampler on one core, the slowest of the usual scales, with OpenDP beside it."""

import time
from fractions import Fraction

from _claim import one_core, write

NAMES = ("noise_draws_per_s", "noise_times_opendp")
SCALES = ("1/3", "1", "10", "1000/7", "5000", "1000000")
OURS, THEIRS, REPEATS = 2_000_000, 50_000, 5


def main() -> None:
    """Measure and write the numbers."""
    one_core()
    from consentinel.core.rng import secure_words
    from consentinel.protect.shelves import NOISE

    ours: dict[str, list[float]] = {}
    theirs: dict[str, float] = {}
    for law in ("laplace", "gaussian"):
        for text in SCALES:
            name, scale = f"{law} {text}", Fraction(text)
            own, opendp = NOISE.take(f"discrete_{law}"), NOISE.take(f"opendp_{law}")
            own.draw(scale, 1, secure_words), opendp.draw(scale, 1, secure_words)  # tables, imports
            ours[name], theirs[name] = [], 0.0
            for _ in range(REPEATS):
                start = time.perf_counter()
                own.draw(scale, OURS, secure_words)
                ours[name].append(OURS / (time.perf_counter() - start))
                start = time.perf_counter()
                opendp.draw(scale, THEIRS, secure_words)
                theirs[name] = max(theirs[name], THEIRS / (time.perf_counter() - start))
    middle = {name: sorted(speeds)[REPEATS // 2] for name, speeds in ours.items()}
    slowest = min(middle, key=lambda name: middle[name])
    times = {name: middle[name] / theirs[name] for name in middle}
    least = min(times, key=lambda name: times[name])
    each = ", ".join(f"{name}: {middle[name] / 1e6:.1f} (OpenDP {theirs[name] / 1e6:.3f})" for name in middle)
    protocol = (
        f"million draws a second, one core, words from the system's generator included, median of {REPEATS} batches of "
        f"{OURS:,} (OpenDP: best of {REPEATS} batches of {THEIRS:,} in turn): {each}"
    )
    speeds = sorted(ours[slowest])
    write(NAMES[0], value=middle[slowest], low=speeds[0], high=speeds[-1], n=REPEATS, protocol=protocol)
    low, high = speeds[0] / theirs[slowest], times[max(times, key=lambda name: times[name])]
    write(NAMES[1], value=times[least], low=min(low, times[least]), high=high, n=REPEATS, protocol=protocol)


if __name__ == "__main__":
    main()
