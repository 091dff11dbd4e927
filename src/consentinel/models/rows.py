"""What models learn from and answer, as Arrow schemas; ids are texts, times are microseconds UTC."""

import pyarrow as pa

__all__ = ["DOCUMENTS", "IMAGES", "INTERACTIONS", "NODES", "QUERIES", "RANKED", "TEXTS"]

_ID = pa.dictionary(pa.int32(), pa.string())

# recommend, users: one row is one thing that a person did with an item.
INTERACTIONS = pa.schema([("user", _ID), ("item", _ID), ("time", pa.int64()), ("weight", pa.float32())])

# rank: a document has item and text; a question has query and text; a judgment has query, item and label (0, 1, 2, ...;
# higher is better), and features where there are some. What does not apply is null.
DOCUMENTS = pa.schema(
    [
        ("query", _ID), ("item", _ID), ("text", pa.string()), ("label", pa.float32()),
        ("features", pa.list_(pa.float32())),
    ]
)  # fmt: skip

# vision: grey (channels 1) or colour (3) pictures, row by row, channels last; label null: not known.
IMAGES = pa.schema(
    [
        ("image", pa.list_(pa.uint8())), ("height", pa.int32()), ("width", pa.int32()), ("channels", pa.int32()),
        ("label", pa.string()),
    ]
)  # fmt: skip

TEXTS = pa.schema([("text", pa.string()), ("label", pa.string())])

# graph: one row is one node; neighbours are row numbers, each edge stands at both ends; label null: not known.
NODES = pa.schema(
    [
        ("node", pa.string()), ("features", pa.list_(pa.float32())), ("label", pa.string()),
        ("neighbours", pa.list_(pa.int32())),
    ]
)  # fmt: skip

# Asked of a recommender or ranker: for whom (or for which query), how many, and for strangers what they did, in order.
QUERIES = pa.schema([("query", _ID), ("text", pa.string()), ("k", pa.int32()), ("history", pa.list_(pa.string()))])

# Answered: best first within a query, queries in the order asked; rule says what was done for people nobody knows.
RANKED = pa.schema([("query", _ID), ("item", _ID), ("score", pa.float64())])
