"""The mobile study of 2022, read as a source: its published counts come out of the scan's own tables."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from _claim import ROOT, write

NAMES = (
    "mobile_apps_before_choice", "mobile_dialog_apps_before_choice", "mobile_device_id_undeclared",
    "mobile_device_id_as_anonymous", "mobile_no_screen_violations",
)  # fmt: skip
APPS, WITH_DIALOG = 4388, 384  # published: of how many


def folder() -> Path:
    """Return the folder of the study; raises SystemExit when it is not here."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data"))
    found = shared / "detect" / "mobile_consent_2022"
    if not found.is_dir():
        raise SystemExit("no study: set CONSENTINEL_SHARED_DATA to the folder that has detect/mobile_consent_2022")
    return found


def scanned(study: Path) -> Path:
    """Scan the folder STUDY as a user would and return the folder with the tables."""
    out = ROOT / "runs" / "mobile-study"
    command = [
        sys.executable,
        "-m",
        "consentinel",
        "detect",
        "scan",
        str(study),
        "--out",
        str(out),
        "--formats",
        "json",
    ]
    code = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode
    if code not in (0, 1, 3):
        raise SystemExit(f"the scan of the study ended with code {code}")
    return out


_KEPT = """
with before as (select visit_id, subject from visits where scenario = 'no_action'),
  linked as (select distinct visit_id from data where action = 'sent' and carrier = 'linked'),
  offered as (select distinct visit_id from consent where state = 'unset' and source = 'table'),
  labels as (select carrier, count(distinct visit_id) as apps from data
    where action = 'declared' and key = 'Device ID' group by rollup (carrier))
select (select count(*) from before),
  (select count(*) from before semi join linked using (visit_id)),
  (select count(*) from before semi join offered using (visit_id)),
  (select count(*) from before semi join offered using (visit_id) semi join linked using (visit_id)),
  (select apps from labels where carrier = 'wrongly_undeclared'),
  (select apps from labels where carrier = 'wrongly_declared_as_anonymous'),
  (select apps from labels where carrier is null),
  (select count(*) from findings where scenario = 'no_action' and outcome = 'potential violation'
    and subject not in (select subject from before semi join offered using (visit_id))),
  (select count(*) from findings where scenario = 'no_action' and outcome = 'no signal'
    and subject not in (select subject from before semi join offered using (visit_id)))
"""


def kept(out: Path) -> tuple[int, ...]:
    """Return the counts that the tables in OUT give."""
    engine = duckdb.connect()
    for name in ("visits", "data", "consent", "findings"):
        engine.from_parquet(str(out / f"{name}.parquet")).create_view(name)
    row = engine.execute(_KEPT).fetchone()
    return tuple(int(n or 0) for n in row or ())


def counted(study: Path) -> tuple[int, ...]:
    """Return the first seven of these counts from the study's files, in plain Python, without our reader."""

    def rows(name: str) -> list[dict[str, str]]:
        return pq.read_table(study / f"{name}.parquet").to_pylist()

    apps = {(r["name"], r["platform"]): r["verdict"] for r in rows("dialogs")}
    sent = rows("apps_trackers_data_types_initial")
    early = {(r["app_id"], r["platform"]) for r in sent if r["transmission_type"] == "pseudonymously"}
    dialog = {app for app, verdict in apps.items() if verdict in ("dialog", "maybe_dialog")}
    device = [r["declared"] for r in rows("privacy_label_types") if r["data_type"] == "Device ID"]
    wrong = [device.count(word) for word in ("wrongly_undeclared", "wrongly_declared_as_anonymous")]
    return len(apps), len(early & apps.keys()), len(dialog), len(early & dialog), *wrong, len(device)


def main() -> None:
    """Scan, count in the scan's tables, compare with the second count, and write the numbers."""
    study = folder()
    found = kept(scanned(study))
    if found[:7] != counted(study):
        raise SystemExit(f"two ways of counting differ: {found[:7]} and {counted(study)}")
    apps, early, dialogs, early_dialogs, undeclared, as_anonymous, labels, wronged, undecided = found
    if (apps, dialogs) != (APPS, WITH_DIALOG):
        raise SystemExit(f"published are {APPS} apps and {WITH_DIALOG} with a dialog, kept are {apps} and {dialogs}")
    told = "counted in the tables of one `detect scan` of the folder, and a second time in its files without our reader"
    every = {
        "mobile_apps_before_choice": (early, apps, "apps that sent data linked to an identifier before any action"),
        "mobile_dialog_apps_before_choice": (early_dialogs, dialogs, "the same of apps that showed a consent dialog"),
        "mobile_device_id_undeclared": (undeclared, labels, "iOS apps whose label leaves out the Device ID they sent"),
        "mobile_device_id_as_anonymous": (as_anonymous, labels, "iOS apps whose label calls that Device ID anonymous"),
        "mobile_no_screen_violations": (
            wronged, undecided, "potential violations claimed of apps without a consent screen, before any action, "
            f"beside {undecided:,} flows of them that are told as no signal",
        ),
    }  # fmt: skip
    for name, (value, n, what) in every.items():
        write(name, value=value, low=value, high=value, n=n, protocol=f"{what}; {told}")
        print(f"{name}: {value:,} (of {n:,})", flush=True)


if __name__ == "__main__":
    main()
