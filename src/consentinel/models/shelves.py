"""The shelves of models: which folder holds which kind of part, and the door that each part opens."""

from consentinel.core.contracts import TrainerPart
from consentinel.core.shelf import Shelf

__all__ = ["ADS", "GRAPH", "RANK", "RECOMMEND", "TEXT", "USERS", "VISION"]

ADS: Shelf[TrainerPart] = Shelf("consentinel.models.ads", "trainer")
GRAPH: Shelf[TrainerPart] = Shelf("consentinel.models.graph", "trainer")
RANK: Shelf[TrainerPart] = Shelf("consentinel.models.rank", "trainer")
RECOMMEND: Shelf[TrainerPart] = Shelf("consentinel.models.recommend", "trainer")
TEXT: Shelf[TrainerPart] = Shelf("consentinel.models.text", "trainer")
USERS: Shelf[TrainerPart] = Shelf("consentinel.models.users", "trainer")
VISION: Shelf[TrainerPart] = Shelf("consentinel.models.vision", "trainer")
