"""How the credit for one conversion is divided among its eligible touches: whole millionths that add up to one.

Each way is an SQL weight over the touches of one conversion: `rank` (1 is the preferred one: clicks before views,
later before earlier), `place` (1 is the earliest), `touches` (how many there are) and `age` (seconds before it).
"""

from consentinel.core.errors import UsageError

__all__ = ["MICRO", "WAYS", "weight_sql"]

MICRO = 1_000_000
HALF_LIFE = 7 * 86_400

WAYS = {
    "last": "CASE WHEN rank = 1 THEN 1.0 ELSE 0.0 END",
    "first": "CASE WHEN place = 1 THEN 1.0 ELSE 0.0 END",
    "linear": "1.0",
    # 40 % to the first and to the last touch, 20 % shared by those between; half each where there are two
    "position": "CASE WHEN touches <= 2 THEN 1.0 WHEN place IN (1, touches) THEN 0.4 ELSE 0.2 / (touches - 2) END",
    "time_decay": "pow(0.5, age / {half_life}.0)",
}


def weight_sql(way: str, half_life: int = HALF_LIFE) -> str:
    """Return the weight of the way WAY; HALF_LIFE in seconds is for time_decay. Raises UsageError."""
    if way not in WAYS:
        raise UsageError(f"no way '{way}' to divide credit; there is: {', '.join(WAYS)}")
    if not 1 <= half_life <= 10**9:
        raise UsageError(f"a half-life is 1 to 10^9 seconds, got {half_life}")
    return WAYS[way].replace("{half_life}", str(half_life))
