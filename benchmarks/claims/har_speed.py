"""A HAR file to findings, end to end on one core, in two mixes."""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from _claim import alone, one_core, write
from _traffic import write_har

NAMES = ("har_requests_per_s_17", "har_requests_per_s_49")
REQUESTS = 30_000
REPEATS = 5
CLEAN_OR_FINDINGS = (0, 1, 3)


def main() -> None:
    """Measure and write the two numbers; an interval runs from the slowest to the fastest repeat."""
    one_core()
    for mix in (17, 49):
        with TemporaryDirectory() as folder:
            home = Path(folder)
            file = write_har(home / "traffic.har", mix, REQUESTS)
            spent = []
            for repeat in range(REPEATS + 1):
                out = home / f"run-{repeat}"
                command = ["-m", "consentinel", "detect", "scan", str(file), "--out", str(out), "--formats", "json"]
                command += ["--project-key-file", str(home / "key")]
                spent.append(alone(command, codes=CLEAN_OR_FINDINGS))
                if not (out / "findings.parquet").is_file():
                    raise SystemExit("the scan kept no findings")
                print(
                    f"mix {mix}: {REQUESTS / spent[-1].seconds:,.0f} requests/s by the clock, "
                    f"{REQUESTS / spent[-1].cpu_s:,.0f} by processor time, peak {spent[-1].peak_mb:,.0f} MB",
                    flush=True,
                )
            megabytes = file.stat().st_size / 1e6
        counted = spent[1:]  # the first fills the caches of the disk
        speeds = [REQUESTS / s.seconds for s in counted]
        write(
            f"har_requests_per_s_{mix}",
            value=statistics.median(speeds),
            low=min(speeds),
            high=max(speeds),
            n=REPEATS,
            protocol=f"consentinel detect scan of one HAR file of {REQUESTS:,} requests ({megabytes:,.0f} MB, 100 "
            "requests a page) in a process of its own bound to one core; time by the clock from its start to its end, "
            "all tables and the JSON report written; median, slowest and fastest after one that is not counted; "
            "processor time: "
            f"{REQUESTS / statistics.median(s.cpu_s for s in counted):,.0f} requests/s; peak memory "
            f"{max(s.peak_mb for s in counted):,.0f} MB",
        )


if __name__ == "__main__":
    main()
