"""The steps of `detect train`: tables of what is known, then the judges that learn from them.

There are three tables, each kept so that it gives the same models to the byte again: data (what each datum is),
purposes (what a recipient is for) and claims.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, UsageError
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.core.run import Outcome, Run
from consentinel.core.tables import check
from consentinel.detect import scanning
from consentinel.detect.collectors import har
from consentinel.detect.evaluating import figures, keep, spoken, units
from consentinel.detect.held_out_purposes import HeldOutPurposes
from consentinel.detect.held_out_types import HeldOutTypes
from consentinel.detect.judges import _datum_train, _purpose_train
from consentinel.detect.judges._claim_features import answer
from consentinel.detect.judges._claim_training import digest, held_out
from consentinel.detect.judges._datum_table import DATUM_TABLE, build
from consentinel.detect.judges._purpose_taught import PURPOSE_TABLE, pairs
from consentinel.detect.learning import TRAINING, assumed, known_claims, training_table
from consentinel.detect.shelves import JUDGES, SURFACES
from consentinel.detect.watched import with_claims, with_data

__all__ = ["Asked", "teach"]

# Each table that is learnt from, and the judges that do; claims are learnt from data that were typed first.
TABLES = {"datum": DATUM_TABLE, "purposes": PURPOSE_TABLE, "training": TRAINING}
LEARNS_FROM = {
    "claim_logistic": "training", "claim_model": "training", "datum_logistic": "datum", "datum_model": "datum",
    "purpose_logistic": "purposes", "purpose_model": "purposes",
}  # fmt: skip
# After few visits a claim says less than after many; models learn from all repeats, from two, and from one.
_REPEATS = (None, 2, 1)
_TRAINERS = {
    "datum_logistic": _datum_train.train_baseline, "datum_model": _datum_train.train_datum,
    "purpose_logistic": _purpose_train.train_baseline, "purpose_model": _purpose_train.train_pairs,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """What `detect train` was asked for, beside the judges."""

    labels: Path | None
    data: Path | None  # datum.parquet
    seed: int
    risk: float
    policy: Path | None
    region: str
    project_key_file: Path


def teach(run: Run, visits: Path, parts: str, asked: Asked) -> Outcome:
    """Train the judges PARTS on what VISITS is, and keep them with the tables that they learnt from.

    VISITS is a training.parquet, a folder of kept tables, a folder of recordings, or the folder of a scan.
    """
    if not 0 < asked.risk < 1:
        raise UsageError(f"--risk is a share of errors in (0, 1), for example 0.006; got {asked.risk}")
    need("sklearn.linear_model", extra="learn")  # loads all that counts in threads
    # Sums of parts depend on how many parts there are: on one thread, equal tables make equal models to the byte.
    with need("threadpoolctl", extra="learn").threadpool_limits(limits=1):
        return _taught(run, visits, parts, asked)


def _taught(run: Run, visits: Path, parts: str, asked: Asked) -> Outcome:
    chosen = JUDGES.choose(parts)
    wanted = [name for name in chosen if name in LEARNS_FROM]
    if not wanted:
        raise UsageError(f"--parts {parts}: none of these can be trained here; there is: {', '.join(LEARNS_FROM)}")
    found = _tables(run, visits, {LEARNS_FROM[name] for name in wanted}, asked)
    # Parquet and DuckDB call the items of lists by other names, which digests would tell.
    tables = {name: table.cast(TABLES[name]) for name, table in found.items()}
    learning = [name for name in wanted if LEARNS_FROM[name] in tables]
    if missing := [name for name in wanted if name not in learning and name in parts.split(",")]:
        raise UsageError(f"--parts {missing[0]} learns from recordings; give the folder that holds them")
    kept: dict[str, Path] = {}
    for name, table in tables.items():
        kept[name] = run.keep(name, table)
        run.assume(**{f"{name}_table": digest(table)})
    said = []
    for name in run.each(learning, "judges trained"):
        table = tables[LEARNS_FROM[name]]
        if name in _TRAINERS:
            model = _TRAINERS[name](table, asked.seed)
            if LEARNS_FROM[name] == "datum":
                model = with_data(model, table, seed=asked.seed)
            told = {
                k: v for k, v in model.card.items() if k in ("macro-F1", "accuracy", "calibration error", "decided")
            }
            said.append(f"{name}, held-out folds: " + ", ".join(f"{k} {v}" for k, v in told.items()))
        else:
            model, more, told = _claims(run, name, table, asked)
            kept |= more
            said.append(f"{name}, held-out folds:\n{told.pop('figures')}")
        modelfile.save(run.out / f"{name}.model", model)
        kept[name] = run.kept(run.out / f"{name}.model", **told)
    return Outcome(run, 0, kept, "\n".join([*said, *run.notes]) + "\n")


def _claims(run: Run, name: str, table: pa.Table, asked: Asked) -> tuple[ModelFile, dict[str, Path], dict[str, str]]:
    """Return the judge NAME of claims, the files that show how right it was on held-out folds, and figures of that."""
    part: Any = JUDGES.take(name)
    model: ModelFile = part.train(table, seed=asked.seed, risk=asked.risk)
    known, _, p = held_out(table, part.fit, seed=asked.seed)
    # Figures are of all repeats: with fewer, a unit is the same again.
    whole = known["repeats"].is_null()
    known, p = known.filter(whole), p[whole.to_numpy(zero_copy_only=False)]
    table = table.filter(table["repeats"].is_null())
    model = with_claims(model, known, p, seed=asked.seed)
    taught = table["p_there"].is_valid().to_numpy(zero_copy_only=False)
    judged = units(table, taught, answer(known, p, float(model.card["threshold"])))
    files = keep(run, judged, f"{name}_held_out", f"{name}: held-out folds of the training families")
    told = {k: v for k, v in model.card.items() if "held_out" in k}
    return model, files, told | {"figures": spoken(figures(judged, seed=asked.seed))}


def _tables(run: Run, visits: Path, wanted: set[str], asked: Asked) -> dict[str, pa.Table]:
    if visits.is_file():
        return {"training": _kept(run, visits, "training")}
    if visits.is_dir() and not (visits / "data.parquet").is_file():
        files = {name: visits / f"{name}.parquet" for name in TABLES}
        if any(file.is_file() for file in files.values()):
            return {name: _kept(run, file, name) for name, file in files.items() if name in wanted and file.is_file()}
        if recordings := sorted(path for path in visits.iterdir() if path.name.lower().endswith(har.SUFFIXES)):
            return _of_recordings(run, recordings, wanted, asked)
    if "training" not in wanted:
        return {}
    table = purposes = None
    if asked.data:
        table, beside = _kept(run, asked.data, "datum"), asked.data.with_name("purposes.parquet")
        purposes = _kept(run, beside, "purposes") if beside.is_file() else None
    found = {"training": _of_scan(run, visits, table, purposes, asked)}
    return ({"datum": table} if table is not None else {}) | found


def _kept(run: Run, file: Path, name: str) -> pa.Table:
    try:
        table = check(pq.read_table(run.read(file)), TABLES[name], "detect.train")
    except pa.ArrowInvalid:
        raise BadInput("is no Parquet file", where=file.name, todo=f"Give the {name}.parquet of a training") from None
    run.note(f"{table.num_rows:,} rows of {file.name}; labels are in it")
    return table


def _of_recordings(run: Run, recordings: list[Path], wanted: set[str], asked: Asked) -> dict[str, pa.Table]:
    labels = _labels(asked)
    files = [run.read(path) for path in run.each(_training(recordings, labels), "recordings")]
    run.note(f"{len(files):,} of {len(recordings):,} recordings are of sites to train on")
    surfaces = [SURFACES.take(name) for name in SURFACES.names()]
    tables = {}
    if wanted & {"datum", "training"}:
        tables["datum"] = build(files, labels, surfaces)
    if wanted & {"purposes", "training"}:
        tables["purposes"] = pairs(files, labels, surfaces)
    if "training" in wanted:
        tables["training"] = _of_scan(run, _scan(run, files, asked), tables["datum"], tables["purposes"], asked)
    return tables


def _labels(asked: Asked) -> Path:
    if asked.labels is None:
        raise UsageError("--labels is missing: name a folder with labels.parquet, or give a training.parquet")
    return asked.labels


def _training(recordings: list[Path], labels: Path) -> list[Path]:
    """Return those of RECORDINGS (site~scenario~repeat) whose site the LABELS put into the training part."""
    file = labels / "labels.parquet"
    if not file.is_file():
        raise BadInput("there is no labels.parquet", where=labels.name, todo="Label the range: see range/README.md")
    asked = """select distinct site from read_parquet(?) where "group" = 'train'"""
    sites = {site for (site,) in duckdb.execute(asked, [str(file)]).fetchall()}
    found = [path for path in recordings if path.name.partition("~")[0] in sites]
    if not found:
        raise BadInput("no recording is of a site to train on", where=labels.name, todo="Label these recordings first")
    return found


def _scan(run: Run, files: list[Path], asked: Asked) -> Path:
    """Scan FILES without models; return the folder of the scan."""
    out = run.out / "scan"
    with Run.open("detect.scan", out, traffic=files, policy=asked.policy, region=asked.region, models="none") as inner:
        plan = scanning.prepare(
            inner, files, planted=None, policy=asked.policy, region=asked.region, columns="", rules="all",
            formats="parquet", baseline=None, reviews="", models="none", keep_raw=False,
            project_key_file=asked.project_key_file,
        )  # fmt: skip
        scanning.scan(inner, plan, scenario="unknown", region=asked.region, keep_raw=False)
        if inner.interrupted:
            raise KeyboardInterrupt
    for note in inner.notes:
        run.note(note)
    return out


def _of_scan(run: Run, scan: Path, table: pa.Table | None, purposes: pa.Table | None, asked: Asked) -> pa.Table:
    """Return the training table of claims of the folder SCAN.

    Types are held out where there is a TABLE of data, and purposes of unknown recipients where there are PURPOSES.
    """
    labels = _labels(asked)
    types = None
    if table is not None:
        if "datum_model" in assumed(scan):
            raise UsageError("--data types the data of a scan without models; scan again with --models none")
        types = HeldOutTypes(table, labels, seed=asked.seed)
        run.note("data are typed, for each recipient, by a judge that never saw its family")
    judge = HeldOutPurposes.learnt(purposes, asked.seed) if purposes is not None else None
    known = known_claims(run, scan, labels, asked.policy, asked.region, "train", types, judge, _REPEATS)
    claims, told = training_table(known)
    run.note(told)
    return claims
