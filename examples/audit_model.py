"""Audit two models on made-up people and hold them against a policy: one misjudges a group and fails, one passes."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel import assure

POLICY = Path(__file__).with_name("gate.toml")


@dataclass(frozen=True)
class Gated:
    """The exit codes of the gate, by model, what the two audits said, and where they differ."""

    codes: dict[str, int]
    told: dict[str, str]
    compared: str


def people(n: int, seed: int) -> pa.Table:
    """Return N people: a test, a group, and whether they would succeed; one group was tested too strictly."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(n) < 0.4, "north", "south")
    able = rng.normal(0, 1, n)
    tested = able - 0.8 * (group == "north") + rng.normal(0, 0.4, n)
    return pa.table({"id": np.arange(n), "tested": tested, "group": group.tolist(), "label": (able > 0).astype(int)})


def answered(rows: pa.Table, fair: bool) -> pa.Table:
    """Return what a model says of ROWS that takes the test as it is, or, if FAIR, knows that it was too strict."""
    tested = np.asarray(rows["tested"]) + (0.8 * np.asarray(np.array(rows["group"]) == "north") if fair else 0.0)
    score = 1 / (1 + np.exp(-4 * tested))
    return pa.table({"id": rows["id"], "score": score, "prediction": (score > 0.5).astype(int)})


def main(n: int = 3000, seed: int = 1) -> Gated:
    """Audit both models, gate them, and compare the audits."""
    codes, told = {}, {}
    with TemporaryDirectory() as place:
        folder = Path(place)
        rows = people(n, seed)
        pq.write_table(rows, folder / "people.parquet")
        for name in ("careless", "careful"):
            pq.write_table(answered(rows, name == "careful"), folder / f"{name}.parquet")
            assure.audit(
                str(folder / f"{name}.parquet"), folder / "people.parquet", kind="tabular", groups="group",
                probes="fair/group", draws=500, out=folder / name,
            )  # fmt: skip
            gate = assure.gate(folder / name, POLICY, out=folder / f"{name}_gate")
            codes[name], told[name] = gate.exit_code, gate.text
        compared = assure.compare(folder / "careless", folder / "careful", out=folder / "compared")
        return Gated(codes, told, compared.text.partition("\n")[0])


if __name__ == "__main__":
    found = main()
    for name, text in found.told.items():
        print(f"{name}, exit code {found.codes[name]}\n{text}\n")
    print(found.compared)
