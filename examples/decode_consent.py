"""Decode a TC string, and ask whether it lets a vendor store on the device and measure content."""

from consentinel.detect.consent import tcf_allows
from consentinel.detect.shelves import SIGNALS

# Purposes 1 (storage) and 10 (improve services), vendors 52 and 91; dated 1970 and made for this page.
TEXT = "CAAAAAAAAAAAA-fABAENBkFgAIBAAAAAABAgAtwAgAaABbAAAAAA.IF5wAwAaABbAXmAA"
STORAGE, MEASURE_CONTENT = 1, 8


def main() -> dict[str, bool]:
    """Return the answer to each question."""
    said = SIGNALS.take("tcf").read("gdpr_consent", TEXT)
    assert said is not None
    assert said.quality == "ok"
    return {
        "vendor 52 may store": tcf_allows(said, (STORAGE,), 52),
        "vendor 755 may store": tcf_allows(said, (STORAGE,), 755),
        "vendor 52 may store and measure content": tcf_allows(said, (STORAGE, MEASURE_CONTENT), 52),
    }


if __name__ == "__main__":
    for question, answer in main().items():
        print(f"{question}: {'yes' if answer else 'no'}")
