"""GCN, GraphSAGE and propagation: their layers are those of others, they learn, and bad graphs are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from consentinel.core import modelfile
from consentinel.core.errors import BadInput, ContractBroken, UsageError
from consentinel.models.asked import settings
from consentinel.models.graph import _network, gcn, graph_sage, propagation
from consentinel.models.graph._classifier import averaged, even
from consentinel.models.graph._nodes import features, links
from tests.models.made_graphs import changed, graph, nodes

torch = pytest.importorskip("torch", reason="torch comes with the extra [models]")
pytest.importorskip("sklearn", reason="scikit-learn comes with the extra [models]")
ROWS = graph()
PARTS = [(gcn, "width=16,epochs=40"), (graph_sage, "width=16,epochs=40"), (propagation, "hops=3,restart=0.1")]


def trained(part: Any, asked: str, rows: pa.Table = ROWS, seed: int = 0) -> Any:
    return part.trainer(settings(part.SETTINGS, asked, "test")).train(rows, seed=seed)


def right(answer: pa.Table) -> float:
    truth = np.array(["even", "odd"] * (len(answer) // 2))
    return float((np.array(answer["label"].to_pylist()) == truth)[20:].mean())


@pytest.mark.parametrize(("part", "asked"), PARTS)
def test_it_learns_is_the_same_twice_and_serves_another_graph(part: Any, asked: str, tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    model = trained(part, asked)
    assert torch.equal(state, torch.random.get_rng_state())
    answer = model.predict(ROWS)
    assert right(answer) > 0.9
    assert right(model.predict(graph(seed=1, known=0))) > 0.8
    path = model.save(tmp_path / "model")
    assert trained(part, asked).save(tmp_path / "again").read_bytes() == path.read_bytes()
    read = part.load(modelfile.load(path, kind=f"models.graph.{part.PART}"))
    assert read.predict(ROWS).equals(answer)


@pytest.mark.parametrize(("part", "layer"), [(gcn, "GCNConv"), (graph_sage, "SAGEConv")])
def test_layers_are_those_of_torch_geometric(part: Any, layer: str) -> None:
    theirs: Any = pytest.importorskip("torch_geometric.nn", reason="torch-geometric comes with the extra [models]")
    model, x = trained(part, "width=5,epochs=1"), features(ROWS, "test", True)
    matrix = links(ROWS, "test").tocoo()
    ends = torch.from_numpy(np.stack([matrix.col, matrix.row]).astype(np.int64))
    made = torch.from_numpy(x.toarray())
    for at in ("0", "1"):
        near = model.weights[f"{at}.near"]
        one = getattr(theirs, layer)(*near.shape)
        offset = (
            {"bias": "bias", "near": "lin.weight"} if part is gcn else {"bias": "lin_l.bias", "near": "lin_l.weight"}
        )
        named = {offset["bias"]: model.weights[f"{at}.offset"], offset["near"]: near.T}
        if part is graph_sage:
            named["lin_r.weight"] = model.weights[f"{at}.own"].T
        one.load_state_dict({name: torch.tensor(np.array(array)) for name, array in named.items()})
        made = one(made, ends) if at == "1" else one(made, ends).relu()
    smooth = even if part is gcn else averaged
    ours = _network.forward(smooth(links(ROWS, "test")), x, model.weights)
    assert np.allclose(ours, made.detach().numpy(), atol=1e-5)


def test_propagation_takes_the_steps_that_it_says() -> None:
    sparse: Any = pytest.importorskip("scipy.sparse")
    model, x = trained(propagation, "hops=2,restart=0.25"), features(ROWS, "test", True).toarray()
    whole = even(links(ROWS, "test")).toarray()
    step = 0.75 * whole @ x + 0.25 * x
    smoothed = 0.75 * whole @ step + 0.25 * x
    logits = smoothed @ model.weights["near"] + model.weights["offset"]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(np.array(model.predict(ROWS)["probabilities"].to_pylist()), p, atol=1e-5)
    assert np.allclose(even(sparse.csr_matrix((1, 1), dtype=np.float32)).toarray(), [[1.0]])
    none = trained(propagation, "hops=0")
    alone = none.predict(nodes([[]] * 60, np.array(ROWS["features"].to_pylist())))
    assert alone["score"].to_pylist() == pytest.approx(none.predict(ROWS)["score"].to_pylist())


def test_three_classes_and_isolated_nodes() -> None:
    rows = changed(graph(), "label", [*["a", "b", "c"] * 8, *[None] * 36])
    rows = pa.concat_tables([rows, nodes([[]], np.ones((1, 8)))])
    for part, asked in PARTS:
        answer = trained(part, asked, rows).predict(rows)
        assert np.array(answer["probabilities"].to_pylist()).shape == (61, 3)
        assert np.isfinite(answer["score"].to_pylist()).all()


@pytest.mark.parametrize(
    ("name", "value", "error", "said"),
    [
        ("features", [[1.0, float("nan")], [1.0, 2.0]], BadInput, "row 0 has a feature that is not finite"),
        ("features", [[1.0, 2.0], [1.0]], BadInput, "row 1 has 1 features"),
        ("features", [[], []], BadInput, "0 features"),
        ("features", [[1.0, None], [1.0, 2.0]], BadInput, "null"),
        ("neighbours", [[2], [0]], BadInput, "row 0 is linked to row 2, and there are 2 rows"),
        ("neighbours", [[-1], []], BadInput, "row -1"),
        ("neighbours", [[0], []], BadInput, "linked to itself"),
        ("neighbours", [[1], []], BadInput, "rows 0 and 1 stands at one end only"),
        ("neighbours", [None, []], BadInput, "null"),
        ("label", ["a", "a"], UsageError, "two classes"),
        ("label", [None, None], UsageError, "two classes"),
    ],
)
def test_bad_graphs_are_refused(name: str, value: list[object], error: type[Exception], said: str) -> None:
    rows = changed(nodes([[1], [0]], np.ones((2, 2)), ["a", "b"], 2), name, value)
    for part, asked in PARTS:
        with pytest.raises(error, match=said):
            trained(part, asked, rows)


def test_a_link_named_twice_counts_once_and_columns_have_to_be_there() -> None:
    twice = nodes([[1, 1], [0]])
    assert links(twice, "test").toarray().tolist() == [[0, 1], [1, 0]]
    with pytest.raises(ContractBroken, match="lists of row numbers"):
        links(pa.table({"neighbours": [1, 2]}), "test")
    with pytest.raises(ContractBroken, match="no column 'features'"):
        features(twice.drop_columns(["features"]), "test", True)


@pytest.mark.parametrize(("part", "asked"), PARTS)
def test_other_features_and_damaged_files_are_refused(part: Any, asked: str, tmp_path: Path) -> None:
    model = trained(part, asked)
    with pytest.raises(BadInput, match="9 features, and the model was trained on 8"):
        model.predict(graph(width=9))
    kind = f"models.graph.{part.PART}"
    file = modelfile.load(model.save(tmp_path / "model"), kind=kind)
    first = min(name for name in file.arrays if name.startswith("net."))
    hurt = [dict(file.arrays), dict(file.arrays), dict(file.arrays)]
    del hurt[0][first]
    hurt[1][first] = np.full_like(file.arrays[first], np.nan)
    hurt[2][first] = file.arrays[first][:, :1]
    cards = [dict(file.card) | {"scaled": "perhaps"}]
    for broken in [*(replace(file, arrays=arrays) for arrays in hurt), *(replace(file, card=card) for card in cards)]:
        with pytest.raises(BadInput, match="do not fit"):
            part.load(broken)
