"""A small made graph: two groups whose nodes are mostly linked inside, with features that say a little."""

import numpy as np
import pyarrow as pa

from consentinel.models.rows import NODES


def graph(n: int = 60, seed: int = 0, known: int = 20, width: int = 8) -> pa.Table:
    """Return N nodes as NODES; the first KNOWN have a label."""
    rng = np.random.default_rng(seed)
    side = np.arange(n) % 2
    near = np.triu(rng.random((n, n)) < np.where(side[:, None] == side, 0.25, 0.02), 1)
    near |= near.T
    features = rng.random((n, width)) + 0.5 * np.outer(side, np.arange(width) % 2)
    return nodes([np.flatnonzero(row).tolist() for row in near], features, ["even", "odd"] * (n // 2), known)


def nodes(
    neighbours: list[list[int]], features: np.ndarray | None = None, labels: list[str] | None = None, known: int = 0
) -> pa.Table:
    """Return nodes n0, n1, ... with NEIGHBOURS, FEATURES (n, width) and the first KNOWN of LABELS."""
    n = len(neighbours)
    values = np.ones((n, 1)) if features is None else features
    said = [label if at < known else None for at, label in enumerate(labels or ["none"] * n)]
    return pa.table([[f"n{at}" for at in range(n)], values.tolist(), said, neighbours], names=NODES.names).cast(NODES)


def changed(rows: pa.Table, name: str, value: list[object]) -> pa.Table:
    """Return ROWS with VALUE in column NAME."""
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, NODES.field(name), pa.array(value, NODES.field(name).type))
