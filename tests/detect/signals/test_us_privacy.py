"""The US Privacy part."""

import pytest

from consentinel.detect.signals import us_privacy


@pytest.mark.parametrize(
    ("text", "opt_out"),
    [("1YNN", False), ("1YYN", True), ("1---", None), ("1NY-", True), ("1yny", False), (" 1YYY ", True)],
)
def test_the_third_character_is_the_opt_out_of_sale(text: str, opt_out: bool | None) -> None:
    said = us_privacy.read("us_privacy", text)
    assert said is not None
    assert (said.source, said.quality, said.sale_opt_out) == ("us_privacy", "ok", opt_out)
    assert said.sharing_opt_out is None


@pytest.mark.parametrize(
    ("text", "reason"), [("2YNN", "version 2"), ("1YXN", "not Y, N or -"), ("${US_PRIVACY}", "placeholder")]
)
def test_malformed_strings_say_why(text: str, reason: str) -> None:
    said = us_privacy.read("us_privacy", text)
    assert said is not None
    assert said.quality == "malformed"
    assert reason in said.reason
    assert said.sale_opt_out is None


@pytest.mark.parametrize("text", ["", "1", "1YNNN", "YNN1", "undefined", "true", "1Y N"])
def test_what_is_no_such_signal(text: str) -> None:
    assert us_privacy.read("us_privacy", text) is None
