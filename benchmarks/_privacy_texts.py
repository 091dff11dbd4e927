"""Labelled texts about privacy that the claims of `classify` are measured on, with the folds that each is split by."""

import gzip
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks._claim import ROOT
from consentinel.core.rng import generator
from consentinel.core.sentences import digest, encoded
from consentinel.understand.classifiers import blend

__all__ = ["SETS", "Texts", "folder", "lines", "split", "vectors_once"]

Mask = NDArray[np.bool_]
TYPES = ("Hacking/IT Incident", "Improper Disposal", "Loss", "Theft", "Unauthorized Access/Disclosure")


@dataclass(frozen=True)
class Texts:
    """Texts, labels (n, classes), what each row belongs to, and the pairs of rows: trained on, tested on.

    `kind` is the F1 that is compared: micro, macro, or the place of the class whose F1 it is; `days` when each row was
    reported, where that is known.
    """

    texts: Sequence[str]
    classes: Sequence[str]
    targets: Mask
    single: bool
    groups: NDArray[np.int64]
    splits: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
    kind: str
    said: str
    days: NDArray[np.float64] | None = None


def folder(name: str) -> Path:
    """Return the folder of the data set NAME; raises SystemExit where it is not there."""
    shared = Path(os.environ.get("CONSENTINEL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "understand" / name
    if not shared.is_dir():
        raise SystemExit(f"no {name}: set CONSENTINEL_SHARED_DATA to the folder that has it under understand/")
    return shared


def lines(name: str, file: str) -> list[dict[str, Any]]:
    """Return the records of a gzipped JSON-lines FILE of the set NAME."""
    with gzip.open(folder(name) / file, "rt", encoding="utf-8") as source:
        return [json.loads(line) for line in source]


def vectors_once(texts: Sequence[str]) -> None:
    """Give the classifiers the sentence vectors of TEXTS, computed once, or kept in CONSENTINEL_VECTORS."""
    once = sorted(set(texts))
    key = sha256("\x00".join([digest(), *once]).encode()).hexdigest()[:16]
    kept = Path(os.environ["CONSENTINEL_VECTORS"]) / f"{key}.npy" if "CONSENTINEL_VECTORS" in os.environ else None
    if kept is not None and kept.is_file():
        made = np.load(kept)
    else:
        made = encoded(once)
        if kept is not None:
            np.save(kept, made)
    at = {text: row for row, text in enumerate(once)}
    setattr(blend, "vectors", lambda wanted: made[[at[text] for text in wanted]])  # noqa: B010


def _opp(apart: bool) -> Texts:
    rows = lines("opp115_segments", "segments.jsonl.gz")
    classes = sorted({label for row in rows for label in row["labels"]})
    targets = np.array([[one in row["labels"] for one in classes] for row in rows])
    groups = _codes([row["policy"] or "none" for row in rows])
    if apart:
        return Texts([row["text"] for row in rows], classes, targets, False, groups, split(groups, 5), "micro",
                     "OPP-115, train and validation together, 5 folds by policy")  # fmt: skip
    train = np.array([row["split"] == "train" for row in rows])
    return Texts([row["text"] for row in rows], classes, targets, False, groups,
                 [(np.flatnonzero(train), np.flatnonzero(~train))], "micro",
                 "OPP-115, published split, train to validation")  # fmt: skip


def _policyie() -> Texts:
    rows = lines("policyie", "intent.jsonl.gz")
    classes = sorted({row["label"] for row in rows})
    targets = np.array([[row["label"] == one for one in classes] for row in rows])
    texts = [row["sentence"] for row in rows]
    groups = _codes(texts)
    return Texts(texts, classes, targets, True, groups, split(groups, 5), "macro",
                 "PolicyIE-A, train and valid together, 5 folds, equal sentences in one")  # fmt: skip


def _reviews() -> Texts:
    table = pq.read_table(folder("app_reviews_privacy") / "labeled_reviews.parquet")
    texts = [text or "" for text in table["content"].to_pylist()]
    privacy = table["privacy_related"].to_numpy() == 1
    groups = _codes(texts)
    return Texts(texts, ["other", "privacy"], np.stack([~privacy, privacy], axis=1), True, groups, split(groups, 10),
                 "1", "app reviews, 10 folds, equal reviews in one")  # fmt: skip


def _stories() -> Texts:
    table = pq.read_table(folder("user_stories_privacy") / "stories.parquet")
    texts, fold = table["story"].to_pylist(), table["fold"].to_numpy()
    privacy = table["label"].to_numpy() == 1
    splits = [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(5)]
    return Texts(texts, ["other", "privacy"], np.stack([~privacy, privacy], axis=1), True, _codes(texts), splits,
                 "macro", "user stories, the five given folds")  # fmt: skip


def _hhs() -> Texts:
    rows, seen = [], set()
    for row in pq.read_table(folder("hhs_breaches") / "records.parquet").to_pylist():
        if row["description"] and row["breach_type"] in TYPES and row["description"] not in seen:
            seen.add(row["description"])
            rows.append(row)
    targets = np.array([[row["breach_type"] == one for one in TYPES] for row in rows])
    year = np.array([row["submitted"].year for row in rows])
    days = np.array([row["submitted"].toordinal() for row in rows], np.float64)
    texts = [row["description"] for row in rows]
    return Texts(texts, TYPES, targets, True, np.arange(len(rows)),
                 [(np.flatnonzero(year < 2020), np.flatnonzero(year >= 2020))], "macro",
                 "HHS breach types, trained before 2020, tested on 2020 to 2022, newer texts weighing more in "
                 "calibration (half for each year, chosen on 2018 and 2019)", days)  # fmt: skip


def _codes(names: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def split(groups: NDArray[np.int64], many: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return rows to train on and to test for each of MANY folds that keep GROUPS (n,) whole."""
    fold = generator(0, "claims.classify").permutation(int(groups.max()) + 1)[groups] % many
    return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(many)]


SETS: dict[str, Callable[[], Texts]] = {
    "stories": _stories, "reviews": _reviews, "opp115": lambda: _opp(True), "policyie": _policyie, "hhs": _hhs,
    "opp115_split": lambda: _opp(False),
}  # fmt: skip
