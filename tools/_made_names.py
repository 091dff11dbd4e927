"""Texts made of invented names, addresses and companies, with the label of each piece: what a model of names learns from."""

import csv
import importlib
import pkgutil
import random
import re
import tomllib
import zoneinfo
from pathlib import Path
from types import ModuleType

import faker.providers.address
import faker.providers.job.en_US
import faker.providers.lorem.en_US
import faker.providers.person
from pydoc_data.topics import topics
from zxcvbn.frequency_lists import FREQUENCY_LISTS

__all__ = ["Maker"]

TITLES = "Mr. Mrs. Ms. Miss Dr. Mr Mrs Ms Dr Prof. Sir Madam Professor mr. ms. mrs. dr."
BEHIND = ("MD", "PhD", "DDS", "Jr.", "DVM", "II", "Esq.")
GROUPS = (
    "Afghan African Albanian Algerian American Andorran Angolan Arab Argentinian Armenian Asian Australian Austrian Azerbaijani"
    " Bangladeshi Belarusian Belgian Bolivian Bosnian Brazilian British Buddhist Bulgarian Burmese Cambodian Cameroonian"
    " Canadian Catholic Chilean Chinese Christian Colombian Croatian Cuban Cypriot Czech Danish Dutch Ecuadorian Egyptian English"
    " Eritrean Estonian Ethiopian European Filipino Finnish French Georgian German Ghanaian Greek Greenlandic Haitian Hindu"
    " Hungarian Icelandic Indian Indonesian Iranian Iraqi Irish Israeli Italian Jamaican Japanese Jewish Jordanian Kazakh"
    " Kenyan Korean Kurdish Kuwaiti Latvian Lebanese Libyan Lithuanian Macedonian Malaysian Maltese Mexican Moldovan Mongolian"
    " Moroccan Muslim Nepalese Nigerian Norwegian Pakistani Palestinian Persian Peruvian Polish Portuguese Protestant"
    " Romanian Russian Rwandan Saudi Scottish Serbian Sikh Slovak Slovenian Somali Spanish Sudanese Swedish Swiss Syrian"
    " Taiwanese Thai Tibetan Tunisian Turkish Ugandan Ukrainian Uruguayan Uzbek Venezuelan Vietnamese Welsh Yemeni Zambian"
    " Swedes Germans Italians Americans Russians Poles Danes Finns Greeks Turks Mexicans Saudis Israelis Indians Brazilians"
    " Republican Democrat Asians Africans Europeans Canadians Australians Norwegians Hungarians"
).split()
KINDS = "Group Inc Ltd LLC Corp Corporation GmbH AG plc Co. Company Partners Bank Holdings Systems Labs Technologies SA Oy AB".split()
TRADES = (
    "health data soft net tech media cloud cyber micro smart open blue green fast safe bit web geo bio solar urban metro care"
    " credit trade market home food travel law book school job work pay legal sky fire iron stone star link loop mind path"
    " pulse point wave wise works zone hub gate forge craft logic scope track view nest genius"
).split()
GREEK = "Αθήνα Πάτρα Βόλος Λάρισα Ρόδος Χανιά Καλαμάτα Σέρρες Δράμα Κως Москва Казань Самара Київ Одеса Софія Варна".split()
STATES = "AL AK AZ CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NV NH NJ NM NY NC ND OH OK OR PA TX QC ON NSW".split()
WAYS = "Street St Avenue Ave Road Rd Lane Drive Dr Court Place Way Crescent Terrace Boulevard Close Square Parkway Circle".split()
ENDS = "gasse straße strasse weg vej gade gatan vägen veien gata tie katu laan straat vangen bakken terrasse allé utca".split()
FIRSTS = "Rue|Avenue|Via|Calle|Rua|Ulica|Avenida|Rue de|Rue du|Via della|Calle de|Rúa|Chemin|Place|Piazza|Postbox|Vicolo".split("|")
SYLLABLES = "ka lo mi ra to ve shi an ber el dor gar hal is jo kur lin mar nor ol pet ri sa tan ul vin wen ya zor sto kri bra fen".split()
PARTIES = Path(__file__).parent.parent / "src" / "consentinel" / "detect" / "data" / "parties.csv"
_LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ][A-Za-zÀ-ɏḀ-ỿ' .()-]{1,30}")
_SLOT = re.compile(r"\{(\w+)\}")


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


class Maker:
    """Makes texts from the sentences in made_names.toml; the same SEED makes the same texts."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        person, address = faker.providers.person, faker.providers.address
        self.firsts = _gathered(person, ("first_names", "first_names_female", "first_names_male"))
        self.lasts = _gathered(person, ("last_names", "unisex_last_names", "male_last_names", "last_names_female"))
        self.towns = _gathered(address, ("cities", "municipalities", "real_city_names", "villages"))
        self.towns.append([z.split("/")[-1].replace("_", " ") for z in sorted(zoneinfo.available_timezones()) if "/" in z
                           and not z.startswith(("Etc", "System"))])  # fmt: skip
        self.countries = _gathered(importlib.import_module("faker.providers.address"), ("countries",))
        english = importlib.import_module("faker.providers.address.en_US").Provider
        self.countries = [[c for c in english.countries if _LATIN.fullmatch(c)],
                          ["USA", "UK", "US", "U.S.", "United States", "England", "Scotland", "Wales", "Russia", "Iran", "Vietnam",
                           "South Korea", "Europe", "California", "Texas", "New York", "Czech Republic", "Cyprus", "Syria", "Libya",
                           "Greenland", "Tanzania", "Bolivia", "Venezuela", "Moldova", "Macedonia", "Taiwan"]]  # fmt: skip
        self.streets = _gathered(address, ("streets", "street_names"))
        self.ways = [*WAYS, *english.street_suffixes[:60]]
        places = [*self.towns, *self.countries]
        known = {word for names in [*self.firsts, *self.lasts, *places] for name in names for word in name.lower().split()}
        known |= {group.lower() for group in GROUPS} | {f"{group.lower()}s" for group in GROUPS}
        common = list(faker.providers.lorem.en_US.Provider.word_list)
        listed = [w for name in ("us_tv_and_film", "english_wikipedia") for w in FREQUENCY_LISTS[name][:16_000]]
        self.words = common * 6 + [word for word in listed if len(word) > 1 and word not in known]
        self.jobs = list(faker.providers.job.en_US.Provider.jobs)
        with PARTIES.open(encoding="utf-8", newline="") as file:
            owners = sorted({row["owner"] for row in csv.DictReader(file)})
        self.owners = [owner for owner in owners if _LATIN.fullmatch(owner)]
        prose = " ".join(text for _, text in sorted(topics.items()))
        self.prose = [s.strip() for s in re.split(r"(?<=[.:;])\s+", prose) if 20 < len(s) < 240 and "\n\n" not in s]
        self.sentences = tomllib.loads(Path(__file__).with_name("made_names.toml").read_text("utf-8"))["sentences"]

    def text(self) -> list[tuple[str, str]]:
        """Return a text as pieces with their labels, "" for what is none."""
        rng, made = self.rng, list[tuple[str, str]]()
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            made += [(rng.choice(self.prose), "")] if rng.random() < 0.07 else self._filled(rng.choice(self.sentences))
            made.append((rng.choice((".", ".", "", "!", "?")) + rng.choice((" ", " ", "\n")), ""))
        shape = rng.random()
        if shape < 0.05:
            made = [(piece.lower(), label) for piece, label in made]
        elif shape < 0.065:
            made = [(piece.upper(), label) for piece, label in made]
        return made

    def _filled(self, sentence: str) -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []
        for n, piece in enumerate(_SLOT.split(sentence)):
            if n % 2:
                slot = {"pf": "first", "pl": "last", "pp": "full", "a1": "line", "sn": "way", "W": "begun"}.get(piece, piece)
                made += getattr(self, f"_{slot}")()
            else:
                made.append((piece, ""))
        return made

    def _name(self, lists: list[list[str]]) -> str:
        rng = self.rng
        if rng.random() < 0.12:
            return "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3, 4)))).capitalize()
        found = rng.choice(rng.choice(lists))
        return found.title() if found.isupper() else found

    def _first(self) -> list[tuple[str, str]]:
        return [(self._name(self.firsts), "PERSON")]

    def _last(self) -> list[tuple[str, str]]:
        second = f"-{self._name(self.lasts)}" if self.rng.random() < 0.05 else ""
        return [(self._name(self.lasts) + second, "PERSON")]

    def _full(self) -> list[tuple[str, str]]:
        rng = self.rng
        middle = rng.choice(("", "", "", " " + rng.choice("ABCDEFGHJKLMPRSTVY"), f" {rng.choice('ABCDEFGHJKLMPRST')}."))
        two = f" {self._name(self.lasts)}" if rng.random() < 0.06 else ""
        made = [(f"{self._name(self.firsts)}{middle} {self._name(self.lasts)}{two}", "PERSON")]
        return [*made, (" ", ""), (rng.choice(BEHIND), "TITLE")] if rng.random() < 0.03 else made

    def _p(self) -> list[tuple[str, str]]:
        return self.rng.choice((self._first, self._full, self._full, self._last))()

    def _t(self) -> list[tuple[str, str]]:
        return [(self.rng.choice(TITLES.split()), "TITLE")]

    def _g(self) -> list[tuple[str, str]]:
        found = self.rng.choice(GROUPS)
        if found.endswith(("n", "i")) and self.rng.random() < 0.15:
            found += "s"
        return [(found.lower() if self.rng.random() < 0.15 else found, "GROUP")]

    def _j(self) -> list[tuple[str, str]]:
        job = self.rng.choice(self.jobs)
        return [(job if self.rng.random() < 0.5 else job.lower(), "")]

    def _z(self) -> list[tuple[str, str]]:
        shape = self.rng.choice(("####", "#####", "#####", "######", "##-###", "### ##"))
        return [("".join(str(self.rng.randint(0, 9)) if c == "#" else c for c in shape), "ADDRESS")]

    def _c(self) -> list[tuple[str, str]]:
        rng, town = self.rng, self._name(self.towns)
        if rng.random() < 0.2:
            town = self._name(self.lasts) + rng.choice(("ville", "berg", "dorf", "ton", "burg", " Falls", " Village", " Bay", "by", " City"))
        if rng.random() < 0.03:
            town = rng.choice(GREEK)
        if rng.random() < 0.05:
            town = rng.choice(("San ", "St ", "New ", "Port ", "Mount ", "La ", "Villa ", "Bad ")) + town
        return [(town.upper() if rng.random() < 0.25 else town.lower() if rng.random() < 0.04 else town, "PLACE")]

    def _k(self) -> list[tuple[str, str]]:
        return [(self._name(self.countries) if self.rng.random() < 0.1 else self.rng.choice(self.rng.choice(self.countries)), "PLACE")]

    def _o(self) -> list[tuple[str, str]]:
        rng = self.rng
        last = [self._name(self.lasts) for _ in range(3)]
        one, two = rng.choice(TRADES), rng.choice(TRADES)
        name = rng.choice((
            rng.choice(self.owners), rng.choice(self.owners), rng.choice(self.owners),
            f"{last[0]} {rng.choice(KINDS)}", f"{last[0]}-{last[1]}", f"{last[0]}, {last[1]} and {last[2]}", f"{last[0]} and {last[1]}",
            f"{last[0]} {rng.choice(KINDS)}", one.capitalize() + two, one.capitalize() + two.capitalize(),
            f"{one} {two}".title(), f"{one} {two}".title(), f"{one.capitalize()} {rng.choice(KINDS)}", f"{last[0]} {two}".title(),
            "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 3)))).capitalize(),
            rng.choice("MVP") + one + two, f"{one.capitalize()}{rng.choice(('ify', 'ly', 'io', 'ex', 'iq', 'a', 'ium', 'ster'))}",
            "".join(rng.choice("ABCDEGIMNPRST") for _ in range(3)) + rng.choice(("", f" {rng.choice(KINDS)}")),
            f"{rng.choice(self.words)} {one}".title(), f"The {one} {two} {rng.choice(KINDS)}".title(),
        ))  # fmt: skip
        return [(name, "ORGANISATION")]

    def _way(self) -> list[tuple[str, str]]:
        rng, name = self.rng, self._name(self.lasts)
        made = rng.choice((
            f"{name} {rng.choice(self.ways)}", f"{name} {rng.choice(self.ways)}", self._name(self.streets), f"{name}{rng.choice(ENDS)}",
            f"{name} {rng.choice(ENDS)}", f"{rng.choice(FIRSTS)} {name}", f"{rng.choice('NSEW')} {name} {rng.choice(self.ways)}",
            f"{self._name(self.towns)} {rng.choice(self.ways)}", f"{rng.choice(self.words).title()} {rng.choice(self.ways)}", name,
            f"{rng.choice(('1st', '2nd', '5th', '12th', '23rd', 'Third'))} {rng.choice(self.ways)}",
        ))  # fmt: skip
        return [(made, "ADDRESS")]

    def _s(self) -> list[tuple[str, str]]:
        rng, street = self.rng, self._way()[0][0]
        number = str(int(10 ** rng.uniform(0.3, 5)))
        number = number.zfill(rng.choice((1, 1, 1, 4))) + rng.choice(("", "", "", "", "B", "."))
        made = rng.choice((f"{number} {street}", f"{street} {number}", f"{number} {street} {rng.randint(1, 200)}",
                           f"{number} {rng.randint(1, 999)} {street}"))
        return [(made, "ADDRESS")]

    def _line(self) -> list[tuple[str, str]]:
        rng, made = self.rng, self._s()
        if rng.random() < 0.12:
            made = [(rng.choice((f"Unit {rng.randint(1000, 9999)} Box {rng.randint(1000, 9999)}", f"PSC {rng.randint(1000, 9999)}, Box"
                     f" {rng.randint(100, 9999)}", f"P.O. Box {rng.randint(1, 9999)}", f"USS {self._name(self.lasts)}")), "ADDRESS")]  # fmt: skip
        if rng.random() < 0.35:
            flat = f"{rng.choice(('Apt.', 'Suite', 'Flat', 'Apt', 'Unit'))} {rng.randint(1, 999):03}"
            made = [*made, (rng.choice((" ", "\n", ", ", "\n ")), "ADDRESS"), (flat, "ADDRESS")]
        return made

    def _a(self) -> list[tuple[str, str]]:
        rng = self.rng
        gap = rng.choice((", ", "\n", "\n ", " ", "\n   "))
        code = self._z()[0][0]
        state = rng.choice(STATES)
        town, country = self._c(), self._k()
        tail = rng.choice((
            [*town, (gap, ""), *country, (" ", ""), (code, "ADDRESS")], [*town, (gap, ""), *country], [*town, (", ", ""), (f"{state} {code}", "ADDRESS")],
            [*town, (gap, ""), (state, "ADDRESS"), (gap, ""), (code, "ADDRESS")], town, [(code, "ADDRESS"), (" ", ""), *town],
            [*town, (" ", ""), (state, "ADDRESS"), (" ", ""), (code, "ADDRESS")], [("DPO AP " + code, "ADDRESS")], [("FPO AA " + code, "ADDRESS")],
            [*town, ("\n, ", ""), (str(rng.randint(1, 99)), "ADDRESS"), ("\n ", ""), (code, "ADDRESS")],
        ))  # fmt: skip
        return [*self._line(), (gap, ""), *tail]

    def _d(self) -> list[tuple[str, str]]:
        rng, year = self.rng, self.rng.randint(1930, 2030)
        month = rng.choice("January February March April May June July August September October November December".split())
        day = rng.choice("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
        return [(rng.choice((str(year), f"{year}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}", f"{month} {rng.randint(1, 28)}, {year}",
                 f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/{year}", day, f"{rng.randint(1, 28)} {month}", month, f"the {year % 100 // 10}0s")), "")]  # fmt: skip

    def _n(self) -> list[tuple[str, str]]:
        return [(str(int(10 ** self.rng.uniform(0, self.rng.choice((2, 3, 16))))), "")]

    def _e(self) -> list[tuple[str, str]]:
        return [(f"{self._name(self.firsts)}{self.rng.choice(('', '.', '_'))}{self._name(self.lasts)}@example.com".replace(" ", ""), "")]

    def _f(self) -> list[tuple[str, str]]:
        rng = self.rng
        shape = rng.choice(("###-###-####", "+## ## ### ## ##", "(###) ###-####", "0### ## ## ##", "#### ####", "##########", "+##-###-###-####"))
        return [("".join(str(rng.randint(0, 9)) if c == "#" else c for c in shape), "")]

    def _u(self) -> list[tuple[str, str]]:
        rng = self.rng
        return [(f"{rng.choice(('https://www.', 'http://', 'www.'))}{rng.choice(TRADES).title()}{rng.choice(TRADES).title()}.example/", "")]

    def _w(self) -> list[tuple[str, str]]:
        rng = self.rng
        said = rng.choice(self.prose) if rng.random() < 0.4 else " ".join(rng.choices(self.words, k=rng.randint(2, 9)))
        return [(said[0].upper() + said[1:] if rng.random() < 0.4 else said, "")]

    def _begun(self) -> list[tuple[str, str]]:
        said = self._w()[0][0]
        return [(said[0].upper() + said[1:], "")]

    def _x(self) -> list[tuple[str, str]]:
        rng = self.rng
        return [(rng.choice(("", "", "The ")) + " ".join(rng.choices(self.words, k=rng.randint(1, 3))).title(), "")]
