"""Why a question is not answered."""

__all__ = ["Refused"]


class Refused(Exception):
    """A question that is not answered, with the reason; it is caught where the next way to answer is tried."""

    def __init__(self, reason: str, rank: float = 1) -> None:
        self.reason, self.rank = reason, rank  # of two readings the reason with the higher rank is told
        super().__init__(reason)
