"""Tables that questions of the tests are about."""

import pyarrow as pa

from consentinel.protect.declared import Column, Declared, Private, Public, column

EVENTS = Private(
    "events",
    {
        "who": Column(),
        "page": column(values=("home", "shop")),
        "country": Column(),
        "price": column(low=0, high=100, most=1000),
        "qty": column(low=1, high=5),
        "week": Column(),
        "at": column(type="timestamp"),
    },
    unit="who",
    groups=4,
    rows=3,
    epoch="week",
    fanout={"who": 10, "page": 3},
)
BUYS = Private(
    "buys", {"who": Column(), "page": Column(), "paid": column(low=0, high=9)}, "who", 1, 1, fanout={"who": 3}
)
TEXT = Public("pages", {"page": Column(), "topic": column(values=("x", "y")), "weight": column(low=0, high=2)})
DECLARED = Declared((EVENTS, BUYS, TEXT))
ROWS = pa.table(
    {
        "who": [1, 2, 2],
        "page": ["home", "shop", "'; DROP TABLE x; --"],
        "country": ["a", "b", None],
        "price": [1.0, 2.0, 3.0],
        "qty": [1, 2, 3],
        "week": ["w1", "w1", "w2"],
        "at": ["2024-01-01", "2024-01-02", "nonsense"],
    }
)
