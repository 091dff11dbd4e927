"""The GPC part."""

import pytest

from consentinel.detect.signals import gpc
from consentinel.detect.signals._reading import Reading


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("sec-gpc", "1", True),
        ("gpc", "1", True),
        ("gpc", "0", False),
        ("globalprivacycontrol", "true", True),
        ("globalprivacycontrol", "false", False),
        ("gpc", '"1"', True),
    ],
)
def test_what_gpc_says(key: str, text: str, value: bool) -> None:
    assert gpc.read(key, text) == Reading("gpc", "ok", gpc=value)


@pytest.mark.parametrize("text", ["0", "banana", "", "1, 1"])
def test_the_header_has_one_value(text: str) -> None:
    said = gpc.read("sec-gpc", text)
    assert said is not None
    assert (said.quality, said.gpc) == ("malformed", None)


@pytest.mark.parametrize("text", ["banana", "", "2", "yes"])
def test_what_is_no_such_signal(text: str) -> None:
    assert gpc.read("gpc", text) is None
