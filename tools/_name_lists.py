"""Lists of names, places, companies and common words that texts to learn from are made of."""

import csv
import importlib
import pkgutil
import re
import zoneinfo
from pathlib import Path
from pydoc_data.topics import topics
from types import ModuleType

import faker.providers.address
import faker.providers.job.en_US
import faker.providers.lorem.en_US
import faker.providers.person
from zxcvbn.frequency_lists import FREQUENCY_LISTS

__all__ = ["Lists"]

PARTIES = Path(__file__).parent.parent / "src" / "consentinel" / "detect" / "data" / "parties.csv"
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u1e00-\u1eff' .()-]{1,30}")


def _gathered(package: ModuleType, names: tuple[str, ...]) -> list[list[str]]:
    """Return what each language of a provider PACKAGE lists under NAMES, in Latin letters."""
    found = []
    for module in sorted(each.name for each in pkgutil.iter_modules(package.__path__)):
        provider = importlib.import_module(f"{package.__name__}.{module}").Provider
        lists = [value for name in names if not isinstance(value := getattr(provider, name, ()), property)]
        listed = [v if isinstance(v, str) else v[0] for values in lists for v in values if v]
        latin = sorted({v for v in listed if isinstance(v, str) and _LATIN.fullmatch(v)})
        if len(latin) >= 10:
            found.append(latin)
    return found


class Lists:
    """What faker, zxcvbn, Python's documentation and our list of parties give, by what it names."""

    def __init__(self, countries: list[list[str]], ways: list[str], groups: list[str]) -> None:
        person, address = faker.providers.person, faker.providers.address
        self.firsts = _gathered(person, ("first_names", "first_names_female", "first_names_male"))
        self.lasts = _gathered(person, ("last_names", "unisex_last_names", "male_last_names", "last_names_female"))
        self.towns = _gathered(address, ("cities", "municipalities", "real_city_names", "villages"))
        zones = [z for z in sorted(zoneinfo.available_timezones()) if "/" in z and not z.startswith(("Etc", "System"))]
        self.towns.append([zone.split("/")[-1].replace("_", " ") for zone in zones])
        english = importlib.import_module("faker.providers.address.en_US").Provider
        self.countries = [[c for c in english.countries if _LATIN.fullmatch(c)], *countries]
        census = {f: [name.title() for name in FREQUENCY_LISTS[f]] for f in ("female_names", "male_names", "surnames")}
        given = [*census["female_names"][:1500], *census["male_names"]]
        self.firsts += [given] * (len(self.firsts) // 6)  # a seventh of all
        self.lasts += [census["surnames"][:6000]] * (len(self.lasts) // 6)
        said = {name.split(" (")[0] for names in self.countries for name in names}
        self.regions = sorted(name for name in said if name.lower() not in {*FREQUENCY_LISTS["female_names"],
                              *FREQUENCY_LISTS["male_names"]} and len(name) > 2)  # fmt: skip
        self.streets = _gathered(address, ("streets", "street_names"))
        self.ways = [*ways, *english.street_suffixes[:60]]
        places = [*self.towns, *self.countries]
        known = {
            word for names in [*self.firsts, *self.lasts, *places] for name in names for word in name.lower().split()
        }
        known |= {name.lower() for name in given if len(name) > 3}
        spoken = FREQUENCY_LISTS["us_tv_and_film"]
        known -= {*spoken[:600]}.difference(map(str.lower, given), FREQUENCY_LISTS["surnames"][:1000])
        known |= {group.lower() for group in groups} | {f"{group.lower()}s" for group in groups}
        common = list(faker.providers.lorem.en_US.Provider.word_list)
        # The package keeps a word in one list alone, so that words of every day are among its passwords.
        secret = [word for word in FREQUENCY_LISTS["passwords"][:4000] if word.isalpha() and len(word) > 3]
        listed = [w for w in [*spoken, *FREQUENCY_LISTS["english_wikipedia"], *secret] if len(w) > 1 and w not in known]
        self.words = common * 6 + listed
        self.usual = [word for word in spoken if len(word) > 1 and word not in known]
        self.common = common
        self.jobs = list(faker.providers.job.en_US.Provider.jobs)
        with PARTIES.open(encoding="utf-8", newline="") as file:
            owners = sorted({row["owner"] for row in csv.DictReader(file)})
        self.owners = [owner for owner in owners if _LATIN.fullmatch(owner)]
        prose = " ".join(text for _, text in sorted(topics.items()))
        self.prose = [s.strip() for s in re.split(r"(?<=[.:;])\s+", prose) if 20 < len(s) < 240 and "\n\n" not in s]
