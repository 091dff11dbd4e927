"""The shelves of detect: which folder holds which kind of part, and the door that each part opens."""

from consentinel.core.shelf import Shelf

__all__ = ["COLLECTORS", "REPORTS", "RULES", "SIGNALS", "SURFACES"]

COLLECTORS = Shelf("consentinel.detect.collectors", "read")
SIGNALS = Shelf("consentinel.detect.signals", "read")
SURFACES = Shelf("consentinel.detect.surfaces", "recognise")
RULES = Shelf("consentinel.detect.rules", "find")
REPORTS = Shelf("consentinel.detect.reports", "write")
