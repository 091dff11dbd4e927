"""Products of sparse matrices of graphs and their gradients, against dense ones."""

import numpy as np
import pytest
import scipy.sparse

from consentinel.models.graph._matrix import Sparse

torch = pytest.importorskip("torch", reason="networks of graphs need the extra models")


def test_a_product_and_its_gradient_are_those_of_the_dense_matrix() -> None:
    matrix = scipy.sparse.random(7, 5, 0.4, format="csr", dtype=np.float32, random_state=1)
    made = Sparse.of(torch, matrix)
    other = made.having(torch, made.values * torch.arange(1.0, matrix.nnz + 1))
    changed = matrix.copy()
    changed.data = changed.data * np.arange(1, matrix.nnz + 1, dtype=np.float32)
    for sparse, dense in ((made, matrix), (other, changed)):
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(2), requires_grad=True)
        weights = torch.arange(21.0).reshape(7, 3)
        (sparse.times(torch, x) * weights).sum().backward()
        assert sparse.times(torch, x).detach().numpy() == pytest.approx(dense.toarray() @ x.detach().numpy(), abs=1e-5)
        assert x.grad.numpy() == pytest.approx(dense.toarray().T @ weights.numpy(), rel=1e-5, abs=1e-4)
