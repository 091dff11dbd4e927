"""How much memory the scan of a HAR file of 1 GB takes."""

from pathlib import Path
from tempfile import TemporaryDirectory

from _claim import alone, one_core, write
from _traffic import write_har

NAMES = ("har_1gb_peak_mb",)
REQUESTS = 60_000
BYTES = 1_000_000_000
REPEATS = 3


def main() -> None:
    """Measure and write the number."""
    one_core()
    with TemporaryDirectory() as folder:
        home = Path(folder)
        sample = write_har(home / "sample.har", 49, 1000).stat().st_size / 1000
        file = write_har(home / "traffic.har", 49, REQUESTS, pad=int(BYTES / REQUESTS - sample) + 60)
        size = file.stat().st_size
        if size < BYTES:
            raise SystemExit(f"the file has {size:,} bytes, fewer than {BYTES:,}")
        command = ["-m", "consentinel", "detect", "scan", str(file), "--formats", "json"]
        command += ["--project-key-file", str(home / "key"), "--out"]
        spent = []
        for repeat in range(REPEATS):
            took = alone([*command, str(home / f"run-{repeat}")], codes=(0, 1, 3))
            spent.append(took)
            print(f"peak {took.peak_mb:,.0f} MB, {took.seconds:.1f} s, {took.cpu_s:.1f} s computing", flush=True)
    peaks = sorted(s.peak_mb for s in spent)
    write(
        NAMES[0],
        value=peaks[len(peaks) // 2],
        low=peaks[0],
        high=peaks[-1],
        n=REPEATS,
        protocol="highest resident memory of consentinel detect scan in a process of its own, as the system counts it; "
        f"one HAR file of {size / 1e6:,.0f} MB with {REQUESTS:,} requests of 49 rows and response bodies; median, "
        f"lowest and highest of the runs; {min(s.seconds for s in spent):.0f} s in the fastest, on one core; MB of 1e6 "
        "bytes",
    )


if __name__ == "__main__":
    main()
