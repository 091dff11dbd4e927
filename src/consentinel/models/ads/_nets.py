"""What the parts that train by torch share: codes and numbers in, batches through Adam, weights kept as arrays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel.core import modelfile
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.models.ads._encode import Encoding, learnt, unpacked
from consentinel.models.ads._linear import answered, made
from consentinel.models.asked import told
from consentinel.models.pieces.classes import labels
from consentinel.models.pieces.tickets import no_ticket

__all__ = ["Net", "NetTrainer", "read"]

Make = Callable[[Encoding], Any]  # a torch module that takes (codes (n, c) over all columns, numbers (n, m)) to logits
AT_ONCE = 65_536


@dataclass(frozen=True)
class Net:
    """A trained network of PART; MAKE builds its empty module, WEIGHTS fill it."""

    part: str
    encoding: Encoding
    weights: Mapping[str, NDArray[Any]]
    make: Make
    card: Mapping[str, str] = field(default_factory=dict)
    kind: str = "tabular"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score, the probability of label 1, and label."""
        torch: Any = need("torch", extra="models")
        net = self.make(self.encoding)
        net.load_state_dict({name: torch.tensor(np.array(array)) for name, array in self.weights.items()})
        net.eval()
        codes, numbers = _inputs(self.encoding, rows, self.part)
        score = np.zeros(rows.num_rows)
        with torch.no_grad():
            for at in range(0, rows.num_rows, AT_ONCE):
                part = slice(at, at + AT_ONCE)
                score[part] = torch.sigmoid(net(torch.tensor(codes[part]), torch.tensor(numbers[part])).double())
        return answered(score)

    def file(self) -> ModelFile:
        """Return what is kept."""
        kept = {f"net/{name}": array for name, array in self.weights.items()}
        return made(self.part, self.encoding.arrays() | kept, self.card)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        modelfile.save(path, self.file())
        return path


@dataclass(frozen=True)
class NetTrainer:
    """Trains PART by AdamW; MAKER turns its settings, which have epochs, batch, rate and decay, into what builds it."""

    part: str
    settings: Any
    maker: Callable[[Any], Make]
    kind: str = "tabular"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Net:
        """Return a model of ROWS (any columns and `label`, 0 or 1). Raises UsageError."""
        no_ticket(tickets, self.part)
        y, s = labels(rows, self.part), self.settings
        encoding = learnt(rows, s, pairs=False, who=self.part)
        how: dict[str, Any] = {"epochs": s.epochs, "batch": s.batch, "rate": s.rate, "decay": s.decay}
        return _fitted(self.maker(s), encoding, rows, y, self.part, told(s), seed=seed, **how)


def _fitted(
    make: Make, encoding: Encoding, rows: pa.Table, label: NDArray[np.float64], part: str, card: Mapping[str, str], *,
    epochs: int, batch: int, rate: float, decay: float, seed: int,
) -> Net:  # fmt: skip
    """Return the network that MAKE builds, trained on ROWS by AdamW over EPOCHS in an order drawn from SEED."""
    torch: Any = need("torch", extra="models")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make(encoding)
        codes, numbers = (torch.tensor(array) for array in _inputs(encoding, rows, part))
        y = torch.tensor(label, dtype=torch.float32)
        steps = -(-len(y) // batch) * epochs
        chosen = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)
        slower = torch.optim.lr_scheduler.OneCycleLR(chosen, rate, total_steps=max(2, steps), pct_start=0.1)
        loss = torch.nn.BCEWithLogitsLoss()
        for _ in range(epochs):
            for some in torch.randperm(len(y)).split(batch):
                chosen.zero_grad()
                loss(net(codes[some], numbers[some]), y[some]).backward()
                chosen.step()
                slower.step()
    weights = {name: tensor.detach().numpy().copy() for name, tensor in net.state_dict().items()}
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise BadInput("training left finite numbers", where=part, todo="Lower the rate")
    return Net(part, encoding, weights, make, card)


def read(file: ModelFile, part: str, make: Make) -> Net:
    """Return the network in FILE; raises BadInput where it holds none of PART."""
    where = f"models.ads.{part}"
    if file.kind != where:
        raise BadInput(f"holds a '{file.kind}', not a '{where}'", where="model", todo="Load it with its own part")
    encoding = unpacked(file.arrays, where)
    weights = {n.removeprefix("net/"): array for n, array in file.arrays.items() if n.startswith("net/")}
    wanted = {name: tuple(tensor.shape) for name, tensor in make(encoding).state_dict().items()}
    sound = all(array.dtype == np.float32 and np.isfinite(array).all() for array in weights.values())
    if {name: array.shape for name, array in weights.items()} != wanted or not sound:
        raise BadInput("its weights do not fit its columns", where=where, todo="Train the model again")
    return Net(part, encoding, weights, make, file.card)


def _inputs(encoding: Encoding, rows: pa.Table, part: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    starts = np.cumsum([0, *encoding.sizes])[:-1].astype(np.int64)
    return encoding.codes(rows, part) + starts, encoding.numbers(rows, part).astype(np.float32)
