"""Fingerprints outlive versions: baselines and reviews rest on them."""

from consentinel.detect.fingerprints import finding_id, fingerprint


def test_they_stay_what_they_were() -> None:
    assert fingerprint("rule", "shop.test") == fingerprint("rule|shop.test") == "3ceba6ed3385affa9aa50375f3695b7c"
    assert finding_id("r1", "some finding") == "f_272d44377f08"


def test_a_half_character_is_no_fault() -> None:
    assert len(fingerprint("\ud800")) == 32
