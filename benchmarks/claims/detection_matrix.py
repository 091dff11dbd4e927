"""Detection matrix of `protect audit`: bug classes C1 to C10 planted one by one, beside doubles without a bug."""

import sys

from _claim import ROOT, keep_cases, write, write_interval
from consentinel.core.stats import clopper_pearson

sys.path[:0] = [str(ROOT)]

NAMES = ("detection_matrix", "detection_matrix_sound", "audit_false_alarms")
INPUTS = ("tests/protect/doubles/*.py",)
SEEDS = 60


def main() -> None:
    """Measure and write the three numbers."""
    from tests.protect.doubles.matrix import BUGS, CASES, LEVEL, caught, passed, ran

    found = ran()
    classes, planted = caught(found), [case for case in CASES if case.planted]
    refuted = sum(finding.verdict == "refuted" for case, finding in found if case.planted)
    keep_cases(NAMES[0], {f"{bug}: {words}": bug in classes for bug, words in BUGS.items()})
    write(
        NAMES[0], value=len(classes), low=len(classes), high=len(classes), n=len(planted),
        protocol=f"{len(BUGS)} classes of bugs, {len(planted)} doubles with one planted mistake each, {refuted} of "
        f"them refuted; a class counts when all its doubles are; audits at level {LEVEL}, doubles seeded; the table is "
        "docs/rooms/protect-detection-matrix.md",
    )  # fmt: skip
    sound, kept = len(CASES) - len(planted), len(passed(found))
    write(
        NAMES[1], value=kept / sound, low=kept / sound, high=kept / sound, n=sound,
        protocol=f"doubles without a mistake that the same audits could refute and do not: {kept} of {sound}",
    )  # fmt: skip
    drawn = [case for case, finding in found if not case.planted and finding.error_rate > 0]
    alarms = sum(case.run(seed).verdict == "refuted" for case in drawn for seed in range(SEEDS))
    rate = clopper_pearson(alarms, len(drawn) * SEEDS)
    write_interval(
        NAMES[2], rate,
        f"{len(drawn)} doubles without a mistake whose audit draws numbers, {SEEDS} seeds each: {alarms} "
        f"refuted; the stated rate is at most {1 - LEVEL:.1g} an audit; Clopper-Pearson interval",
    )  # fmt: skip
    print(
        f"{len(classes)} of {len(BUGS)} classes, {kept} of {sound} right doubles, {alarms} alarms in {rate.n}",
        flush=True,
    )


if __name__ == "__main__":
    main()
