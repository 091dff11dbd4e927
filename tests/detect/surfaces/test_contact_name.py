"""Contact name: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

SHA256 = "5f2b1c9e7a4d3e8f6b0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5"

YES = [
    ("first_name", "Zoë", "form"),
    ("last_name", "O'Probe", "form"),
    ("user.name", "Zoe Probe", "json"),
    ("fullName", "Zoe M. Probe", "json"),
    ("ud[fn]", SHA256),
    ("ud[ln]", SHA256),
    ("traits.name", "Zoe Probe", "json"),
    ("surname", "Probe"),
    ("given-name", "Zoe"),
    ("fn", SHA256),
    ("customer_name", "Probe, Zoe"),
    ("ud[fn]", "zoe"),
    ("usr.name", "Zoe Probe", "json"),
    ("batch[].$set.name", "Zoe Probe", "json"),
    ("form.fields.name", "Zoe M. Probe", "json"),
    ("data.person_properties.name", "Zoë O'Probe", "json"),
    ("account.name", "Zoe Probe", "json"),
    ("meta.user.username", "Zoe Probe", "json"),
    ("usr.name.value", "Zoe Probe", "json"),
    ("events[].user.custom.name", "Zoe Probe", "json"),
    ("profile.name", "Zoe Probe", "json"),
]
NO = [
    ("name", "homepage.home"),
    ("first_name", ""),
    ("first_name", "true"),
    ("first_name", "null"),
    ("last_name", "12"),
    ("filename", "Zoe Probe"),
    ("event.name", "Purchase", "json"),
    ("fn", "jQuery123_456"),
    ("full_name", "https://x.test/a"),
    ("first_name", "{{name}}"),
    ("fn", "callback"),
    ("hostname", "Zoe"),
    ("tag_name", "Input"),
    ("site_metadata.name", "Harbour Goods", "json"),
    ("components.plugins.value[].name", "Chrome PDF Viewer", "json"),
    ("context.name", "Harbour Goods", "json"),
    ("properties.name", "Rain Jacket", "json"),
    ("breadcrumbs[].name", "Error Event", "json"),
    ("os.name", "Mac OS", "json"),
    ("user_agent.name", "Mobile Safari", "json"),
    ("tech.profile.name", "Chrome", "json"),
    ("user.device.name", "Work Laptop", "json"),
    ("account.name", "harbour goods", "json"),
    ("account.name", "Harbour", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_name", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("contact_name", *case) == 0
