"""Texts made of invented names, addresses and companies, each piece with its label: what names are learned from."""

import random
import re
import tomllib
from pathlib import Path

from _name_lists import Lists

__all__ = ["Maker"]

_SAID = tomllib.loads(Path(__file__).with_name("made_names.toml").read_text("utf-8"))
_WORDS = [words.split("|") for words in _SAID["words"].values()]
(TITLES, BEHIND, GROUPS, KINDS, TRADES, GREEK, STATES, WAYS, ENDS, FIRSTS, SYLLABLES, COUNTRIES, MONTHS,
 DAYS, TERMS, BEGINS, HEALTH, INSURERS, FIELDS, HOUSES, LEGAL, REGIONS) = _WORDS  # fmt: skip
_SLOTS = {"pf": "first", "pl": "last", "pp": "full", "a1": "line", "sn": "way", "W": "begun", "begin": "begins"}
_SLOT = re.compile(r"\{(\w+)\}")


class Maker(Lists):
    """Makes texts from the sentences in made_names.toml; the same SEED makes the same texts."""

    def __init__(self, seed: int) -> None:
        super().__init__([COUNTRIES, REGIONS], WAYS, GROUPS)
        self.rng = random.Random(seed)
        self.sentences = _SAID["sentences"]

    def text(self) -> list[tuple[str, str]]:
        """Return a text as pieces with their labels, "" for what is none."""
        rng, made = self.rng, list[tuple[str, str]]()
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            made += [(rng.choice(self.prose), "")] if rng.random() < 0.07 else self._filled(rng.choice(self.sentences))
            made.append((rng.choice((".", ".", "", "!", "?")) + rng.choice((" ", " ", "\n")), ""))
        if rng.random() < 0.02:  # as masking leaves it
            made = [
                (f"[{label}_{rng.randint(1, 9)}]", "") if label and rng.random() < 0.6 else (piece, label)
                for piece, label in made
            ]
        shape = rng.random()
        if shape < 0.1:
            made = [(piece.lower(), label) for piece, label in made]
        elif shape < 0.115:
            made = [(piece.upper(), label) for piece, label in made]
        return made

    def _filled(self, sentence: str) -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []
        for n, piece in enumerate(_SLOT.split(sentence)):
            if n % 2:
                made += getattr(self, f"_{_SLOTS.get(piece, piece)}")()
            else:
                made.append((piece, ""))
        return made

    def _name(self, lists: list[list[str]]) -> str:
        rng = self.rng
        if rng.random() < 0.12:
            return "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3, 4)))).capitalize()
        found = rng.choice(rng.choice(lists))
        return found.title() if found.isupper() else found

    def _said(self, most: int) -> str:
        """Return up to MOST words, many of them as often as people say them."""
        rng = self.rng
        made = []
        for _ in range(rng.randint(2, most)):
            kind = rng.random()
            if kind < 0.3:
                made.append(self.usual[int(len(self.usual) * rng.random() ** 4)])
            else:
                made.append(rng.choice(self.common if kind < 0.45 else self.words))
        return " ".join(made)

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
        return [(self.rng.choice(TITLES), "TITLE")]

    def _g(self) -> list[tuple[str, str]]:
        found = self.rng.choice(GROUPS)
        if found.endswith(("n", "i")) and self.rng.random() < 0.15:
            found += "s"
        return [(found.lower() if self.rng.random() < 0.15 else found, "GROUP")]

    def _j(self) -> list[tuple[str, str]]:
        job = self.rng.choice(self.jobs)
        return [(job if self.rng.random() < 0.5 else job.lower(), "TITLE")]

    def _cc(self) -> list[tuple[str, str]]:
        letters = "".join(self.rng.choices("ABCDEFGHIKLMNOPRSTUVZ", k=2))
        return [(self.rng.choice((*STATES, letters, letters)), "ADDRESS")]

    def _ac(self) -> list[tuple[str, str]]:
        return [("".join(self.rng.choices("ABCDEFGHIJKLMNOPRSTUVWXZ", k=self.rng.choice((2, 3, 3, 3, 4, 5)))), "")]

    def _term(self) -> list[tuple[str, str]]:
        return [(self.rng.choice(TERMS), "")]

    def _begins(self) -> list[tuple[str, str]]:
        return [(self.rng.choice(BEGINS), "")]

    def _z(self) -> list[tuple[str, str]]:
        shape = self.rng.choice(("####", "####", "#####", "#####", "######", "##-###", "### ##", "####-###"))
        return [("".join(str(self.rng.randint(0, 9)) if c == "#" else c for c in shape), "ADDRESS")]

    def _c(self) -> list[tuple[str, str]]:
        rng, town = self.rng, self._name(self.towns)
        if rng.random() < 0.2:
            town = self._name(self.lasts) + rng.choice(
                ("ville", "berg", "dorf", "ton", "burg", " Falls", " Village", " Bay", "by", " City")
            )
        if rng.random() < 0.03:
            town = rng.choice(GREEK)
        if rng.random() < 0.05:
            town = rng.choice(("San ", "St ", "New ", "Port ", "Mount ", "La ", "Villa ", "Bad ")) + town
        return [(town.upper() if rng.random() < 0.25 else town.lower() if rng.random() < 0.04 else town, "PLACE")]

    def _k(self) -> list[tuple[str, str]]:
        pick = self.rng.choice
        return [(self._name(self.countries) if self.rng.random() < 0.1 else pick(pick(self.countries)), "PLACE")]

    def _o(self) -> list[tuple[str, str]]:
        pick = self.rng.choice
        last = [self._name(self.lasts) for _ in range(3)]
        one, two = pick(TRADES), pick(TRADES)
        places = (last[0], f"St. {self._name(self.firsts)}", self._name(self.towns))
        name = pick(
            (
                f"{pick(places)} {pick(HEALTH)}",
                f"{pick(places)} {pick(HEALTH)}",
                f"{pick(HEALTH)} of {pick(places)}",
                pick(self.owners),
                pick(self.owners),
                pick(self.owners),
                f"{pick(places)} {pick(FIELDS)} {pick(HOUSES)}",
                f"{pick(places)} {pick(FIELDS)} {pick(HOUSES)}, {pick(LEGAL)}",
                f"{pick(FIELDS)} {pick(HOUSES)} of {pick((*places, pick(REGIONS)))}",
                f"{pick(REGIONS)} {pick(FIELDS)} {pick(HOUSES)}",
                pick(INSURERS),
                f"{last[0]} & {last[1]} {pick((*KINDS, *LEGAL))}",
                f"{self._name(self.firsts)} {last[0]} {pick(FIELDS)} {pick(HOUSES)}",
                f"{self._name(self.firsts)} {last[0]} and Associates, {pick(LEGAL)}",
                pick(
                    (
                        f"{pick(INSURERS[:8])} of {pick(REGIONS)}",
                        f"{pick(REGIONS)} Department of {pick(('Health', 'Correction'))}",
                    )
                ),
                f"{pick(self.words).title()} {pick(FIELDS)} {pick(HOUSES)}",
                f"{last[0]} {pick(KINDS)}",
                f"{last[0]}-{last[1]}",
                f"{last[0]}, {last[1]} and {last[2]}",
                f"{last[0]} and {last[1]}",
                f"{last[0]} {pick(KINDS)}",
                one.capitalize() + two,
                one.capitalize() + two.capitalize(),
                f"{one} {two}".title(),
                f"{one} {two}".title(),
                f"{one.capitalize()} {pick(KINDS)}",
                f"{last[0]} {two}".title(),
                "".join(pick(SYLLABLES) for _ in range(pick((2, 3)))).capitalize(),
                pick("MVP") + one + two,
                f"{one.capitalize()}{pick(('ify', 'ly', 'io', 'ex', 'iq', 'a', 'ium', 'ster'))}",
                "".join(pick("ABCDEGIMNPRST") for _ in range(3)) + pick(("", f" {pick(KINDS)}")),
                f"{pick(self.words)} {one}".title(),
                f"The {one} {two} {pick(KINDS)}".title(),
            )
        )
        return [(name, "ORGANISATION")]

    def _way(self) -> list[tuple[str, str]]:
        pick, name = self.rng.choice, self._name(self.lasts)
        made = pick(
            (
                f"{name} {pick(self.ways)}",
                f"{name} {pick(self.ways)}",
                self._name(self.streets),
                f"{name}{pick(ENDS)}",
                f"{name} {pick(ENDS)}",
                f"{pick(FIRSTS)} {name}",
                f"{pick('NSEW')} {name} {pick(self.ways)}",
                f"{self._name(self.towns)} {pick(self.ways)}",
                f"{pick(self.words).title()} {pick(self.ways)}",
                name,
                f"{pick(('1st', '2nd', '5th', '12th', '23rd', 'Third'))} {pick(self.ways)}",
            )
        )
        return [(made, "ADDRESS")]

    def _s(self) -> list[tuple[str, str]]:
        rng, street = self.rng, self._way()[0][0]
        number = str(int(10 ** rng.uniform(0.3, 5)))
        number = number.zfill(rng.choice((1, 1, 1, 4))) + rng.choice(("", "", "", "", "B", "."))
        made = rng.choice(
            (
                f"{number} {street}",
                f"{street} {number}",
                f"{number} {street} {rng.randint(1, 200)}",
                f"{number} {rng.randint(1, 999)} {street}",
            )
        )
        return [(made, "ADDRESS")]

    def _line(self) -> list[tuple[str, str]]:
        rng, n, made = self.rng, self.rng.randint, self._s()
        if rng.random() < 0.12:
            made = [
                (
                    rng.choice(
                        (
                            f"Unit {n(1000, 9999)} Box {n(1000, 9999)}",
                            f"PSC {n(1000, 9999)}, Box {n(100, 9999)}",
                            f"P.O. Box {n(1, 9999)}",
                            f"USS {self._name(self.lasts)}",
                        )
                    ),
                    "ADDRESS",
                )
            ]
        if rng.random() < 0.35:
            flat = f"{rng.choice(('Apt.', 'Suite', 'Flat', 'Apt', 'Unit'))} {n(1, 999):03}"
            made = [*made, (rng.choice((" ", "\n", ", ", "\n ")), "ADDRESS"), (flat, "ADDRESS")]
        return made

    def _a(self) -> list[tuple[str, str]]:
        rng = self.rng
        gap = rng.choice((", ", "\n", "\n ", " ", "\n   "))
        code = self._z()[0][0]
        state = self._cc()[0][0] if rng.random() < 0.4 else rng.choice(STATES)
        town, country = self._c(), self._k()
        last, region = (code, "ADDRESS"), (state, "ADDRESS")
        tail = rng.choice(
            (
                [*town, (gap, ""), *country, (" ", ""), last],
                [*town, (gap, ""), *country],
                [*town, (", ", ""), (f"{state} {code}", "ADDRESS")],
                [*town, (gap, ""), region, (gap, ""), last],
                town,
                [last, (" ", ""), *town],
                [*town, (" ", ""), region, (" ", ""), last],
                [("DPO AP " + code, "ADDRESS")],
                [("FPO AA " + code, "ADDRESS")],
                [*town, ("\n, ", ""), (str(rng.randint(1, 99)), "ADDRESS"), ("\n ", ""), last],
            )
        )
        return [*self._line(), (gap, ""), *tail]

    def _d(self) -> list[tuple[str, str]]:
        rng, n, year = self.rng, self.rng.randint, self.rng.randint(1930, 2030)
        month = rng.choice(MONTHS)
        day = rng.choice(DAYS)
        return [
            (
                rng.choice(
                    (
                        str(year),
                        f"{year}-{n(1, 12):02}-{n(1, 28):02}",
                        f"{month} {n(1, 28)}, {year}",
                        f"{n(1, 12)}/{n(1, 28)}/{year}",
                        day,
                        f"{n(1, 28)} {month}",
                        f"{n(1, 28)} {month} {year}",
                        f"{month} {year}",
                        month,
                        f"the {year % 100 // 10}0s",
                    )
                ),
                "",
            )
        ]

    def _n(self) -> list[tuple[str, str]]:
        n = int(10 ** self.rng.uniform(0, self.rng.choice((2, 3, 6, 16))))
        return [(f"{n:,}" if self.rng.random() < 0.4 and n < 10_000_000 else str(n), "")]

    def _e(self) -> list[tuple[str, str]]:
        first, mark, last = self._name(self.firsts), self.rng.choice(("", ".", "_")), self._name(self.lasts)
        return [(f"{first}{mark}{last}@example.com".replace(" ", ""), "")]

    def _f(self) -> list[tuple[str, str]]:
        rng = self.rng
        shape = rng.choice(
            (
                "###-###-####",
                "+## ## ### ## ##",
                "(###) ###-####",
                "0### ## ## ##",
                "#### ####",
                "##########",
                "+##-###-###-####",
            )
        )
        return [("".join(str(rng.randint(0, 9)) if c == "#" else c for c in shape), "")]

    def _u(self) -> list[tuple[str, str]]:
        pick = self.rng.choice
        return [
            (
                f"{pick(('https://www.', 'http://', 'www.'))}{pick(TRADES).title()}{pick(TRADES).title()}.example/",
                "",
            )
        ]

    def _w(self) -> list[tuple[str, str]]:
        rng = self.rng
        said = rng.choice(self.prose) if rng.random() < 0.4 else self._said(9)
        return [(said[0].upper() + said[1:] if rng.random() < 0.4 else said, "")]

    def _begun(self) -> list[tuple[str, str]]:
        said = self._w()[0][0]
        return [(said[0].upper() + said[1:], "")]

    def _x(self) -> list[tuple[str, str]]:
        rng = self.rng
        return [(rng.choice(("", "", "The ")) + " ".join(rng.choices(self.words, k=rng.randint(1, 3))).title(), "")]
