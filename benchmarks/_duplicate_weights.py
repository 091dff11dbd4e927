"""Fit the weights that the package ships to the development pairs, and write them: run it after evidence changed."""

import json

import numpy as np

from benchmarks._claim import ROOT
from benchmarks._duplicates import DEVELOPMENT, labelled, runs
from consentinel.core.run import Run
from consentinel.understand.grouping.chance import Weights, fitted
from consentinel.understand.grouping.evidence import PIECES, Corpus
from consentinel.understand.grouping.records import read

FILE = ROOT / "src" / "consentinel" / "understand" / "data" / "link_weights.json"
PULL = 0.3  # towards 0, as so many units of inverse variance


def main() -> None:
    """Fit and write."""
    rows, evidence, same = labelled(DEVELOPMENT), [], []
    with runs() as made:
        for name, (folder, ids) in made.items():
            some = [row for row in rows if row["id_1"].startswith(f"{name}:")]
            with Run.open("benchmarks.weights", folder / "read") as run:
                records = read(run, folder)
            at = {record: n for n, record in enumerate(records.ids)}
            pairs = np.array([[at[ids[row[key]]] for key in ("id_1", "id_2")] for row in some])
            evidence.append(Corpus(records).evidence(pairs[:, 0], pairs[:, 1]))
            same += [row["label"] == "1" for row in some]
    size = 1 + len(PIECES)
    flat = np.eye(size) * PULL
    flat[0, 0] = 1e-3
    found = fitted(Weights(np.zeros(size), flat), np.vstack(evidence), np.array(same))
    kept = {"pieces": PIECES, "mean": found.mean.round(6).tolist(), "precision": found.precision.round(6).tolist()}
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    for piece, weight in zip(("always", *PIECES), found.mean, strict=True):
        print(f"{weight:8.3f}  {piece}")


if __name__ == "__main__":
    main()
