"""The page of the room names all that there is."""

from pathlib import Path

from consentinel.core.tables import FINDINGS
from consentinel.detect.collectors.requests import FIELDS
from consentinel.detect.consent import STATES
from consentinel.detect.judge import OUTCOMES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rooms" / "detect.md").read_text("utf-8")


def test_the_page_names_every_column_field_file_and_state() -> None:
    for word in {*FINDINGS.names} - {"run_id"} | {*FIELDS} | {*STATES} | {*OUTCOMES}:
        assert f"`{word}`" in PAGE, word
