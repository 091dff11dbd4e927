"""User id: what the recogniser has to catch, and what it has to let pass."""

from collections.abc import Callable

import pytest

UUID = "6f9619ff-8b86-4011-b42d-00c04fc964ff"

YES = [
    ("user_id", "u-83746198237"),
    ("userId", "48213", "json"),
    ("user.id", UUID, "json"),
    ("external_id", "crm-7731", "json"),
    ("member_id", "M0048213"),
    ("login", "zoe_probe", "form"),
    ("customerId", "cus_9Kx2mQ7", "json"),
    ("properties.$user_id", "48213", "json"),
    ("uid", "6952339322284285401"),
    ("ppuid", "Xk9fQ2mZr7Tb"),
    ("username", "zoeprobe"),
    ("up.user_id", "48213"),
    ("data.uuid", UUID, "json"),
    ("users[].uuid", UUID, "json"),
    ("usr.id", "zk93mfd02kq8", "json"),
    ("identities.CRMID[].id", "zk93mfd02kq8", "json"),
    ("tags.user.authUserId", "zk93mfd02kq8", "json"),
    ("my_authUser", "zk93mfd02kq8", "cookie"),
    ("account.id", "zk93mfd02kq8", "json"),
    ("identities.$identity_login_id", "zk93mfd02kq8", "json"),
    ("user_data.identity", "zk93mfd02kq8", "json"),
]
NO = [
    ("user_id", ""),
    ("user_id", "0"),
    ("user_id", "null"),
    ("user_id", "undefined"),
    ("userid", "anonymous"),
    ("login", "true"),
    ("logged_in", "1"),
    ("user_id", "00000000"),
    ("uid", "12"),
    ("user_id", "-1"),
    ("user_type", "returning"),
    ("uid", UUID, "cookie"),
    ("username", "guest"),
    ("user_agent_id", "123456"),
    ("login", "https://x.test/login"),
    ("user_id", "probe@example.com"),
    ("profileId", "184", "query"),  # the account of the publisher, at an ad exchange
    ("batch[].uuid", UUID, "json"),
    ("data.tags[].uuid", UUID, "json"),
    ("anonymous_user_id", UUID, "json"),
    ("tempUserId", UUID, "json"),
    ("usr.id", "guest", "json"),
    ("account.id", "184", "json"),
    ("auth_key", UUID, "json"),
    ("identity", "reader", "json"),
]


@pytest.mark.parametrize("case", YES, ids=lambda c: c[0])
def test_it_is_caught(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("user_id", *case) >= 0.6


@pytest.mark.parametrize("case", NO, ids=lambda c: c[0])
def test_it_is_let_pass(case: tuple[str, ...], score: Callable[..., float]) -> None:
    assert score("user_id", *case) == 0
