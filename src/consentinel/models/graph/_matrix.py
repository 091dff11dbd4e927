"""A sparse matrix whose products have a gradient: it stands there turned too, so that no step has to turn it again."""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np

from consentinel.models.graph._nodes import Csr

__all__ = ["Sparse"]


@dataclass(frozen=True)
class Sparse:
    """A matrix in CSR and the same turned, as tensors; its VALUES row by row, with the ORDER of the turned one."""

    values: Any
    there: Any
    turned: Any
    order: Any

    @classmethod
    def of(cls, torch: Any, matrix: Csr) -> Self:
        """Return MATRIX (SciPy, CSR, float32)."""
        matrix.sort_indices()
        places = matrix.copy()
        places.data = np.arange(1, matrix.nnz + 1, dtype=np.float64)  # exact, and never an empty cell
        turned = places.T.tocsr()
        turned.sort_indices()
        order = torch.from_numpy(turned.data.astype(np.int64) - 1)
        values = torch.from_numpy(np.asarray(matrix.data, np.float32))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, that this form of matrix is new
            return cls(values, _tensor(torch, matrix, values), _tensor(torch, turned, values[order]), order)

    def having(self, torch: Any, values: Any) -> Self:
        """Return the matrix with other VALUES in the same cells."""
        made = [
            torch.sparse_csr_tensor(one.crow_indices(), one.col_indices(), some, one.shape, check_invariants=False)
            for one, some in ((self.there, values), (self.turned, values[self.order]))
        ]
        return type(self)(values, made[0], made[1], self.order)

    def times(self, torch: Any, dense: Any) -> Any:
        """Return the product with DENSE, through which a gradient flows to DENSE."""
        return _product(torch).apply(dense, self.there, self.turned)


def _tensor(torch: Any, matrix: Csr, values: Any) -> Any:
    starts, columns = (torch.from_numpy(part.astype(np.int64)) for part in (matrix.indptr, matrix.indices))
    return torch.sparse_csr_tensor(starts, columns, values, matrix.shape, check_invariants=False)


@cache
def _product(torch: Any) -> Any:
    class Product(torch.autograd.Function):
        """A matrix times something dense."""

        @staticmethod
        def forward(ctx: Any, dense: Any, there: Any, turned: Any) -> Any:
            ctx.turned = turned
            return torch.mm(there, dense)

        @staticmethod
        def backward(ctx: Any, slope: Any) -> Any:
            return torch.mm(ctx.turned, slope), None, None

    return Product
