"""What findings are known by: a fingerprint that is the same in every run, and an id within one run."""

from hashlib import sha256

__all__ = ["finding_id", "fingerprint"]


def fingerprint(*parts: str) -> str:
    """Return 32 hexadecimal digits that are equal where all PARTS are; none of them may be a value or its digest."""
    return sha256("|".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def finding_id(run_id: str, identity: str) -> str:
    """Return the id in the run RUN_ID of the finding that IDENTITY tells from all others."""
    return f"f_{fingerprint(run_id, identity)[:12]}"
