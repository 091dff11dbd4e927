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
            spent.append(alone([*command, str(home / f"run-{repeat}")], codes=(0, 1, 3)))
            print(
                f"peak {spent[-1].peak_mb:,.0f} MB, {spent[-1].seconds:.1f} s ({spent[-1].cpu_s:.1f} s of processor time)"
            )
    peaks = sorted(s.peak_mb for s in spent)
    write(
        NAMES[0],
        value=peaks[len(peaks) // 2],
        low=peaks[0],
        high=peaks[-1],
        n=REPEATS,
        protocol=f"highest resident memory of consentinel detect scan in a process of its own, as the system counts it; one "
        f"HAR file of {size / 1e6:,.0f} MB with {REQUESTS:,} requests of 49 rows and response bodies; median, lowest and "
        f"highest of the runs; {min(s.seconds for s in spent):.0f} s in the fastest run, on one core; MB of 1e6 bytes",
    )


if __name__ == "__main__":
    main()
