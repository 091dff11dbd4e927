"""The training table of the datum judge: what a scanner sees of each value, beside what the proving range knows of it.

Recordings are decoded by the same code as in a scan. Host, site and name of the sender serve to find the label; the
family stays to group by, and none of them is a feature.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.contracts import SurfacePart
from consentinel.core.errors import BadInput
from consentinel.core.progress import each
from consentinel.detect.collectors import har
from consentinel.detect.collectors._batch import Batch, Options
from consentinel.detect.decode import Decoder
from consentinel.detect.judges._datum_features import plain_shape
from consentinel.detect.judges._rows import TYPES
from consentinel.detect.observe import Observer
from consentinel.detect.surfaces._pairs import Pairs

__all__ = ["DATUM_TABLE", "Targets", "build", "targets"]

_LABEL = pa.dictionary(pa.int32(), pa.string())
DATUM_TABLE = pa.schema(
    [
        ("family", pa.string()),
        ("key", pa.string()),
        ("carrier", pa.string()),
        ("shape", pa.string()),
        ("type", pa.string()),  # what the recognisers said; null: nothing
        ("type_p", pa.float32()),
        ("verdict", pa.string()),  # types, partly, none, constant: see range/labels/leaves.py
        ("types", pa.list_(pa.string())),
        ("n", pa.int64()),  # values
    ]
)
# What the range never varies, in part or at all (everybody has one system and speaks English), so that a value which is
# always the same may well tell it.
NEVER_DRAWN = (
    "device.os", "device.browser", "device.hardware", "device.network", "device.ip", "device.locale", "location.coarse",
)  # fmt: skip

_SEEN = """
select host, name, key, carrier, shape, type, type_p, value, count(*) as n from seen group by all
"""
_JOINED = """
select l.family, s.key, s.carrier, s.shape, s.type, s.type_p, l.verdict, l.types, sum(s.n)::bigint as n
from seen s join leaves l using (host, name, value) where l.site = ? group by all
"""
_WHOLE = """
select family, key, carrier, shape, type, type_p, verdict, types, sum(n)::bigint as n from pieces group by all
order by family, key, carrier, shape, type nulls first, type_p, verdict, types
"""


def build(
    visits: list[Path],
    labels: Path,
    surfaces: list[SurfacePart[Pairs]],
    *,
    group: str = "train",
    tell: Callable[[str], None] = lambda text: None,
) -> pa.Table:
    """Return DATUM_TABLE for the recordings VISITS whose site the LABELS (a folder) put into GROUP, sorted.

    A recording is named site~scenario~repeat. Raises BadInput where the labels are missing or none of VISITS has any.
    """
    file = labels / "leaves.parquet"
    if not file.is_file():
        raise BadInput("there is no leaves.parquet", where=labels.name, todo="Label the range: see range/README.md")
    pieces = []
    with duckdb.connect() as engine:
        engine.execute("set threads = 1")
        engine.execute(
            f"""create table leaves as select * from read_parquet(?) where "group" = '{group}'""", [str(file)]
        )
        sites = {site for (site,) in engine.sql("select distinct site from leaves").fetchall()}
        wanted = sorted(path for path in visits if path.name.partition("~")[0] in sites)
        for number, path in enumerate(each(wanted, "recordings read for data"), 1):
            for seen in _seen(path, surfaces):
                engine.register("seen", seen)
                engine.register("seen", engine.sql(_SEEN).to_arrow_table())
                pieces.append(engine.sql(_JOINED, params=[path.name.partition("~")[0]]).to_arrow_table())
            if number % 25 == 0 or number == len(wanted):
                tell(f"{number} of {len(wanted)} recordings read")
                engine.register("pieces", pa.concat_tables(pieces))
                pieces = [engine.sql(_WHOLE).to_arrow_table()]
        if not pieces or not pieces[0].num_rows:
            raise BadInput(f"no value of these recordings has a label in group '{group}'", where=labels.name)
    return pieces[0].cast(DATUM_TABLE)


def _seen(path: Path, surfaces: list[SurfacePart[Pairs]]) -> Iterator[pa.Table]:
    """Yield the values that were sent in the recording PATH, as a scan decodes and types them."""
    observer, decoder = Observer(b"", surfaces, []), Decoder()
    for batch in har.read(path, Options(), []):
        if batch.raw is not None and batch.traffic is not None:
            yield _values(batch, observer, decoder)


def _values(batch: Batch, observer: Observer, decoder: Decoder) -> pa.Table:
    data, _ = observer.observe(decoder.expand(batch.raw))
    data = data.filter(pc.and_(pc.equal(data["action"].cast(pa.string()), "sent"), data["seq"].is_valid()))
    traffic = batch.traffic
    place = np.zeros(int(pc.max(traffic["seq"]).as_py() or 0) + 1, np.int64)
    place[traffic["seq"].to_numpy()] = np.arange(traffic.num_rows)
    keys = one(data["key"])
    shapes = one(data["shape"])
    plain = pa.array([plain_shape(shape) for shape in shapes.dictionary.to_pylist()], pa.string())
    columns = {name: data[name].cast(pa.string()) for name in ("key", "carrier", "type")}
    columns["shape"] = plain.take(shapes.indices)
    return pa.table(
        columns
        | {
            "host": traffic["host"].cast(pa.string()).take(pa.array(place[data["seq"].to_numpy()])),
            "name": pa.array([_name(key) for key in keys.dictionary.to_pylist()], pa.string()).take(keys.indices),
            "type_p": data["type_p"],
            # the digest without a key is the hash that the labels have
            "value": (data["digest"].to_numpy().view(np.uint64) >> np.uint64(1)).astype(np.int64),
        }
    )


def _name(key: str) -> str:
    """Return the innermost name of KEY as the labels write it."""
    if key.startswith("path["):
        return "path"
    while key.endswith("]") and "[" in key:
        key = key[: key.rindex("[")]
    return key.rpartition(".")[2].lower()


@dataclass(frozen=True, slots=True)
class Targets:
    """What a judge should have said of each row, one column for each of TYPES.

    `taught` is where nobody knows and the recognisers are believed while training.
    """

    yes: np.ndarray
    known: np.ndarray
    taught: np.ndarray

    def at(self, rows: np.ndarray) -> "Targets":
        """Return the same of some ROWS."""
        return Targets(self.yes[rows], self.known[rows], self.taught[rows])


def targets(table: pa.Table) -> Targets:
    """Return the truth of DATUM_TABLE rows; what neither source of the labels could decide is not known.

    Of a value that may tell more than was found, only what was found is known; one that never varied may tell what is
    never drawn, so a recogniser that says so is neither right nor wrong.
    """
    place = {name: at for at, name in enumerate(TYPES)}
    yes = np.zeros((table.num_rows, len(TYPES)), bool)
    for row, types in enumerate(table["types"].to_pylist()):
        yes[row, [place[name] for name in types]] = True
    verdict = np.array(table["verdict"].to_pylist())
    known = yes | np.isin(verdict, ("types", "none", "constant"))[:, None]
    drawn = np.array([place[name] for name in NEVER_DRAWN])
    said = np.array([place.get(name, -1) for name in table["type"].to_pylist()])
    silent = np.flatnonzero((verdict == "constant") & np.isin(said, drawn))
    known[np.ix_(silent, drawn)] = False
    taught = np.zeros_like(yes)
    taught[silent, said[silent]] = True
    return Targets(yes, known, taught)
