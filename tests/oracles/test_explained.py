"""Explanations beside shap, LightGBM and captum, where these are installed."""

from typing import Any

import numpy as np
import pytest

from consentinel.assure.explain import _integrated, _treeshap

lightgbm = pytest.importorskip("lightgbm", reason="needs the [models] extra")
WIDTH = 8


def forest(leaves: int = 31) -> tuple[Any, Any, np.ndarray]:
    from consentinel.models.pieces.trees import Forest, _taken

    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, WIDTH))
    y = x[:, 0] * x[:, 1] + np.abs(x[:, 2]) + rng.normal(size=600) / 4
    asked = {"objective": "regression", "verbosity": -1, "num_threads": 1, "num_leaves": leaves, "min_data_in_leaf": 3}
    booster = lightgbm.train(asked, lightgbm.Dataset(x, y), 40)
    return booster, Forest(_taken(booster.model_to_string()), WIDTH, booster), x


@pytest.mark.parametrize("leaves", [2, 31])
def test_values_of_trees_are_those_of_lightgbm(leaves: int) -> None:
    booster, ours, x = forest(leaves)
    values, begin = _treeshap.contributions(_treeshap.paths(ours.trees(), WIDTH), x)
    theirs = booster.predict(x, pred_contrib=True)
    assert np.abs(values - theirs[:, :-1]).max() < 1e-9
    assert np.abs(begin - theirs[:, -1]).max() < 1e-9


def test_values_of_trees_are_those_of_shap() -> None:
    shap = pytest.importorskip("shap", reason="needs shap")
    tree_model = pytest.importorskip("sklearn.tree", reason="needs scikit-learn")
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, WIDTH)).astype(np.float32).astype(np.float64)
    y = x[:, 0] * x[:, 1] + np.sign(x[:, 2])
    made = tree_model.DecisionTreeRegressor(max_depth=9, random_state=0).fit(x, y)
    inner = made.tree_
    tree = {"feature": np.where(inner.children_left < 0, -1, inner.feature), "threshold": inner.threshold,
            "left": inner.children_left, "right": inner.children_right, "value": inner.value.ravel(),
            "cover": inner.weighted_n_node_samples}  # fmt: skip
    values, begin = _treeshap.contributions(_treeshap.paths([tree], WIDTH), x)
    explainer = shap.TreeExplainer(made, feature_perturbation="tree_path_dependent")
    assert np.abs(values - explainer.shap_values(x)).max() < 1e-9
    assert abs(begin - float(np.ravel(explainer.expected_value)[0])) < 1e-9


def test_integrated_gradients_are_those_of_captum() -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    attr = pytest.importorskip("captum.attr", reason="needs captum")
    from consentinel.models.vision._network import Network, initial, network

    size = (28, 28, 1)
    state = {name: one.detach().numpy() for name, one in initial(size, 4, "tanh", 0).state_dict().items()}
    ours = Network("small_cnn", "tanh", size, list("abcd"), state)
    x = np.random.default_rng(0).random((3, *size), dtype=np.float32)
    target = np.array([0, 3, 1])
    net = network(size, 4, "tanh")
    net.load_state_dict({name: torch.tensor(one) for name, one in state.items()})
    theirs = attr.IntegratedGradients(lambda shown: net(shown.permute(0, 3, 1, 2) * 2 - 1)).attribute(
        torch.tensor(x), baselines=0.0, target=torch.tensor(target), n_steps=50, method="gausslegendre"
    )
    values = _integrated.attributed(ours, x, target, np.zeros_like(x), steps=50)
    assert np.abs(values - theirs.detach().numpy()).max() < 1e-6
