"""Profiles: equal for equal names, independent between properties, planted values that scans accept."""

from collections import Counter
from pathlib import Path

import numpy as np

from consentinel.detect.live.profile import LEVELS, PLANTED, pool, scripts, to_toml
from consentinel.detect.planted import read_planted

VERSION = "156.0.8078.79"


def test_equal_names_give_equal_profiles_and_seeds_differ() -> None:
    one, two = (pool(seed, region="EU", locale="en-IE", version=VERSION) for seed in (1, 2))
    assert one.draw("a.example", "accept", 3) == one.draw("a.example", "accept", 3)
    assert one.draw("a.example", "accept", 3) != one.draw("a.example", "accept", 4)
    assert not {value for _, _, value in one.planted()} & {value for _, _, value in two.planted()}


def test_levels_are_drawn_evenly_and_independently() -> None:
    people = pool(5, region="EU", locale="de-DE", version=VERSION)
    drawn = [people.draw("a.example", "reject", repeat).levels for repeat in range(600)]
    names = sorted(drawn[0])
    assert {"cores", "memory", "screen", "dpr", "languages", "timezone", "email", "latitude", "ua_version"} <= set(
        names
    )
    table = np.array([[levels[name] for name in names] for levels in drawn])
    for column in table.T:
        assert min(Counter(column.tolist()).values()) > 600 / LEVELS * 0.7
    correlation = np.abs(np.corrcoef(table.T) - np.eye(len(names)))
    assert correlation.max() < 0.2


def test_the_planted_values_are_read_by_scan(tmp_path: Path) -> None:
    people = pool(9, region="US-CA", locale="en-US", version=VERSION)
    file = tmp_path / "planted.toml"
    file.write_text(to_toml(people), "utf-8")
    read = read_planted(file)
    assert len(read.values) == LEVELS * len(PLANTED)
    assert all(value.value.endswith("@example.com") for value in read.values if value.type == "contact.email")
    mails = [value for value in read.values if value.type == "contact.email"]
    assert min(value.information() for value in mails) >= 64


def test_all_levels_lie_in_the_region() -> None:
    people = pool(9, region="US-CA", locale="en-US", version=VERSION)
    assert people.levels["timezone"][0] == "America/Los_Angeles"
    assert all(32 < float(value) < 42 for value in people.levels["latitude"])
    assert {languages[0] for languages in people.levels["languages"]} == {"en-US"}


def test_the_device_is_left_as_it_is_when_asked() -> None:
    people = pool(9, region="EU", locale="en-IE", version=VERSION, plain=True)
    person = people.draw("a.example", "no_action", 0)
    assert not {"cores", "memory", "screen", "webgl", "ua_version"} & set(person.values)
    assert "cores" not in person.levels
    assert {"email", "latitude"} <= set(person.levels)
    agent = dict(person.commands(VERSION))["Emulation.setUserAgentOverride"]["userAgent"]
    assert "Chrome/156.0.0.0" in agent
    assert "Headless" not in agent


def test_commands_and_script_say_the_profile() -> None:
    person = pool(9, region="EU", locale="en-IE", version=VERSION).draw("a.example", "gpc", 1)
    told = dict(person.commands(VERSION))
    assert told["Emulation.setHardwareConcurrencyOverride"]["hardwareConcurrency"] == person.values["cores"]
    assert person.values["ua_version"] in told["Emulation.setUserAgentOverride"]["userAgent"]
    assert told["Emulation.setUserAgentOverride"]["userAgentMetadata"]["platformVersion"] == person.values["os_version"]
    source, hooks = scripts()
    script = person.script(source, gpc=True)
    assert '"gpc": true' in script
    assert "PROFILE)" not in script
    assert person.values["email"] not in script
    assert "__consentinel" in hooks
