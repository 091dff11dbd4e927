import inspect
import pickle

import pytest

from consentinel.core import errors
from consentinel.core.errors import BadInput, ConsentinelError

CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]


def test_the_tree_is_small_and_drawn_in_full() -> None:
    assert len(CLASSES) <= 8
    assert sorted(c.__name__ for c in CLASSES) == sorted(errors.__all__)
    for kind in CLASSES:
        assert issubclass(kind, ConsentinelError)
        line = next(x for x in (errors.__doc__ or "").splitlines() if kind.__name__ in x.split()[:2])
        assert f" {kind.exit_code} " in line
        assert inspect.getdoc(kind)


def test_exit_codes_are_errors_not_outcomes() -> None:
    assert {c.exit_code for c in CLASSES} == {2, 4, 5}


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (BadInput("is empty"), "is empty"),
        (BadInput("is empty", where="a.har"), "a.har: is empty"),
        (BadInput("is empty", where="a.har", todo="Record it again"), "a.har: is empty. Record it again"),
    ],
)
def test_bad_input_says_where_what_and_what_to_do(told: BadInput, text: str) -> None:
    assert str(told) == text
    again = pickle.loads(pickle.dumps(told))
    assert (type(again), str(again), again.where, again.todo) == (BadInput, text, told.where, told.todo)


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_cross_processes(kind: type[ConsentinelError]) -> None:
    assert str(pickle.loads(pickle.dumps(kind("what happened")))) == "what happened"
