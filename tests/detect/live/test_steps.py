"""Flows: every step is read, and every mistake is told with its line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentinel.core.errors import UsageError
from consentinel.detect.live.steps import STEPS, parse

FLOW = """
# sign in
goto /account
fill "#sign-in input" {email}
click 'text=Sign in'
  optional click "#newsletter .close"
press "#search" Enter
press Escape
scroll end
scroll
wait 1.5
wait_for "text=You are signed in"
select "#country" IE
check "#terms"
back
"""


def test_every_step_is_read_with_its_line() -> None:
    steps = parse(FLOW, "a.flow")
    assert [step.do for step in steps] == [
        "goto", "fill", "click", "click", "press", "press", "scroll", "scroll", "wait", "wait_for", "select", "check",
        "back",
    ]  # fmt: skip
    assert steps[1].words == ("#sign-in input", "{email}")
    assert [step.line for step in steps if step.optional] == [6]
    assert str(steps[2]) == "line 5: click 'text=Sign in'"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("clik #a", "did you mean 'click'?"),
        ("dance", "'dance' is no step; there is: goto, click"),
        ("fill #a", "write 'fill SELECTOR TEXT'"),
        ("click #a .b", "put what holds spaces in quotes"),
        ('click "#a', "a quote is not closed"),
        ("optional", "'optional' stands before a step"),
        ("fill #a {mail}", "there is no {mail}; there is: {email}, {phone}"),
        ("wait soon", "'soon' is not a number of seconds"),
        ("", "the flow has no step"),
    ],
)
def test_a_mistake_is_told(line: str, told: str) -> None:
    with pytest.raises(UsageError) as why:
        parse(f"# head\n{line}\n", "a.flow")
    assert told in str(why.value)
    assert str(why.value).startswith("a.flow, line 2:" if line else "a.flow:")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(UsageError):
        assert all(step.do in STEPS for step in parse(text, "a.flow"))
