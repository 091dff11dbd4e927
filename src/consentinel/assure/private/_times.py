"""When made or held-out interactions happened, for models that learn orders: with a gap they would not learn at all."""

import pyarrow as pa
import pyarrow.compute as pc

from consentinel.core.columns import one
from consentinel.core.rng import generator

__all__ = ["times"]


def times(learned: pa.Table, count: int, own: pa.Array | None, seed: int) -> dict[str, pa.Array]:
    """Return a column time of COUNT more interactions beside LEARNED, or nothing where LEARNED has no times.

    The first of them have the times OWN where these are known; the others get those of learned rows, at random.
    """
    known = one(learned["time"]).drop_null() if "time" in learned.column_names else None
    if known is None or not len(known):
        return {}
    drawn = known.take(pa.array(generator(seed, "assure.private.times").integers(0, len(known), count)))
    if own is None:
        return {"time": drawn}
    try:
        there = own.cast(known.type)
    except pa.ArrowException:
        return {"time": drawn}
    padded = pa.concat_arrays([there, pa.nulls(count - len(there), known.type)])
    return {"time": pc.coalesce(padded, drawn)}
