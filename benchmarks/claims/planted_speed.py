"""Planted identifiers: megabytes a second of one pass for 28,000 literals and more, all found in each repeat."""

from _claim import write
from speed.planted import buffer, identity, measure

NAMES = ("planted_mb_per_s",)
MEGABYTES = 200
REPEATS = 7


def main() -> None:
    """Measure and write the number; the interval runs from the slowest to the fastest repeat."""
    pool = identity()
    rows, planted = buffer(pool, MEGABYTES)
    speeds = sorted(measure(pool, rows, planted, REPEATS))
    write(
        NAMES[0],
        value=speeds[len(speeds) // 2],
        low=speeds[0],
        high=speeds[-1],
        n=REPEATS,
        protocol=(
            f"{len(pool.literals)} literals of one identity, each planted at least once; {MEGABYTES} MB of synthetic "
            f"values in {len(rows)} rows; every one of {len(planted)} planted rows and no other is hit in each repeat; "
            f"median, slowest and fastest of {REPEATS}; one thread"
        ),
    )


if __name__ == "__main__":
    main()
