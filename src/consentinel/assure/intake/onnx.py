"""An ONNX network, run by ONNX Runtime without operators of its own; it can be asked again."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.assure.intake._opened import Opened, classified, names_of, numbers, pixels
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.core.extras import need

__all__ = ["ALLOWS", "opened", "takes"]

ALLOWS = "it can be asked again; its gradient is not known, and to train it again needs --trainer and --learned"
LARGEST = 1 << 30
_OUTSIDE = b"\x0a\x08location\x12"  # the key of a tensor that lies in another file (onnx.proto, StringStringEntryProto)
_BATCH = 1024


def takes(given: str, /) -> bool:
    """Return whether GIVEN has the suffix of ONNX."""
    return given.lower().endswith(".onnx")


def opened(given: str, kind: str, /) -> Opened:
    """Return the network in the file GIVEN; raises BadInput where it is damaged or reaches outside, MissingExtra."""
    path = Path(given)
    runtime = need("onnxruntime", extra="onnx")
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"has more than {LARGEST:,} bytes", where=path.name, todo="Give a smaller network")
        data = path.read_bytes()
    except OSError as why:
        raise BadInput(f"cannot be read ({why.strerror})", where=path.name, todo="Check the path") from None
    if _OUTSIDE in data:
        raise BadInput("names other files for its weights", where=path.name, todo="Save it as one file")
    asked = runtime.SessionOptions()
    asked.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL  # nothing is computed on opening
    asked.intra_op_num_threads, asked.log_severity_level = 2, 4
    try:
        session = runtime.InferenceSession(data, asked, providers=["CPUExecutionProvider"])
        entries, about = session.get_inputs(), dict(session.get_modelmeta().custom_metadata_map)
    except Exception as why:  # the runtime's errors have no class of their own
        raise BadInput(
            f"is no network that ONNX Runtime opens without operators of others ({type(why).__name__})",
            where=path.name, todo="Export it again with standard operators",
        ) from None  # fmt: skip
    if len(entries) != 1 or entries[0].type not in _TYPES:
        raise BadInput("should have one input of numbers", where=path.name, todo="Export it with one input tensor")
    return Opened(model=Network(path.name, kind, session, names_of(about, "classes", path.name),
                                names_of(about, "features", path.name)), made_of=(path,))  # fmt: skip


_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


@dataclass(frozen=True)
class Network:
    """A network as a model; CLASSES in the order of its outputs, FEATURES the columns that it takes (empty: all)."""

    name: str
    kind: str
    session: Any
    classes: list[str]
    features: list[str]

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return score, label and probabilities; one output alone is the probability of the second class.

        Outputs that are no probabilities are taken for logits. Raises ContractBroken, UsageError.
        """
        entry = self.session.get_inputs()[0]
        x = self._inputs(rows, [size if isinstance(size, int) else 0 for size in entry.shape]).astype(
            _TYPES[entry.type]
        )
        p = np.concatenate([self._asked(entry.name, x[at : at + _BATCH]) for at in range(0, max(1, len(x)), _BATCH)])
        if p.shape[1] == 1:
            p = np.concatenate([1 - p, p], axis=1)
        elif not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1, atol=1e-3):
            raised = np.exp(p - p.max(axis=1, keepdims=True))
            p = raised / raised.sum(axis=1, keepdims=True)
        classes = self.classes or [str(at) for at in range(p.shape[1])]
        if len(classes) != p.shape[1]:
            raise ContractBroken(f"{self.name} names {len(classes)} classes and answers {p.shape[1]}")
        return classified(p, classes)

    def save(self, path: Path, /) -> Path:
        """Refused: it has a file already."""
        raise UsageError(f"{self.name} is a file already")

    def _asked(self, name: str, x: NDArray[Any]) -> NDArray[np.float64]:
        try:
            outputs = self.session.run(None, {name: x})
        except Exception as why:
            raise ContractBroken(f"{self.name} cannot compute these inputs ({type(why).__name__})") from None
        tables = [np.asarray(one) for one in outputs if isinstance(one, np.ndarray) and one.dtype.kind == "f"]
        fit = [one.reshape(len(x), -1) for one in tables if one.size and one.shape[:1] == (len(x),)]
        if not fit:
            raise ContractBroken(f"{self.name} answers no numbers for each row; export it without ZipMap")
        return fit[-1].astype(np.float64)

    def _inputs(self, rows: pa.Table, shape: list[int]) -> NDArray[Any]:
        if "image" not in rows.column_names or "features" in rows.column_names:
            return numbers(rows, self.features, shape[1] if len(shape) == 2 else 0, self.name)
        high, wide, deep = (rows[name][0].as_py() for name in ("height", "width", "channels"))
        flat = pixels(rows)
        if flat.size != rows.num_rows * high * wide * deep:
            raise UsageError(f"{self.name}: pictures of one size are needed")
        pictures = flat.reshape(rows.num_rows, high, wide, deep)
        if len(shape) == 4 and shape[1] in (0, deep) and shape[3] != deep:
            return pictures.transpose(0, 3, 1, 2)
        return pictures if len(shape) == 4 else pictures.reshape(rows.num_rows, *([prod(pictures.shape[1:])]))
