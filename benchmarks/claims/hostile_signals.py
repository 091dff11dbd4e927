"""Hostile consent strings, 100,000 over all parts of the shelf: no crash, no second lost, a clear error."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress

from benchmarks._claim import write
from consentinel.core.errors import BadInput
from consentinel.core.shelf import Shelf
from consentinel.detect.signals import _bits, _gpp, _tcstring
from consentinel.detect.signals._reading import Reading

NAMES = ("hostile_signals",)
TEXTS = 100_000
SEED = 20
STRICT: dict[str, Callable[[str], object]] = defaultdict(lambda: len, tcf=_tcstring.decode, gpp=_gpp.decode)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
WORDS = ("true", "false", "null", "undefined", "NaN", "${GDPR_CONSENT_7}", "%%GPP%%", "{}", "[]", "\x00", "\ufffd" * 9)


def good(draw: random.Random) -> str:
    """Return a string as a well-meaning sender could send it."""
    vendors = sum(1 << draw.randint(1, 1200) for _ in range(draw.randint(0, 80))) | (2 << draw.randint(0, 700)) - 2
    tc = _tcstring.encode({"cmpId": 31, "purposeConsents": draw.getrandbits(24), "vendorsDisclosed": vendors})
    us = {"SaleOptOut": draw.randint(0, 3), "Gpc": draw.random() < 0.5}
    gpp = _gpp.encode(
        {"usnat": us, draw.choice(["usca", "usmd", "usin"]): us, "tcfcav1": {"DisclosedVendors": vendors}}
    )
    return draw.choice([tc, gpp, f"DBABMA~{tc}", "1YNN", "G111", "11p1p1p1p5", "2,7", "1"])


def cut(draw: random.Random) -> str:
    text = good(draw)
    return text[: draw.randint(0, len(text))]


def changed(draw: random.Random) -> str:
    signs = list(good(draw))
    for _ in range(draw.randint(1, 8)):
        signs[draw.randrange(len(signs))] = draw.choice([*LETTERS, *".~+/= ", chr(draw.randint(0, 0x10FF))])
    return "".join(signs)


def letters(draw: random.Random) -> str:
    body = "".join(draw.choices(LETTERS + ".~", k=draw.randint(0, 400)))
    return draw.choice(["C", "DB", "DBABMA~", "DBABjA~C", "1", "G1", "11", ""]) + body


def noise(draw: random.Random) -> str:
    return draw.randbytes(draw.randint(0, 300)).decode(draw.choice(["latin-1", "utf-16-le"]), "replace")


def long(draw: random.Random) -> str:
    return draw.choice(["A", "C", "DB", ".", "~", "1,", "{", "%%", "\n", "\U0001f36a"]) * draw.randint(1, 40_000)


def greedy(draw: random.Random) -> str:
    """Return a string whose ranges claim every vendor as often as there is room."""
    times = draw.randint(1, 4095)
    fixed = f"1{1:016b}{65_535:016b}"
    head = f"{65_535:016b}1{times:012b}"
    core = _bits.from_text(_tcstring.encode({}))[:213]
    if draw.random() < 0.5:
        restrictions = f"{times:012b}" + (f"{2:06b}01{1:012b}" + fixed) * times
        return _bits.to_text(core + draw.choice([head + fixed * times, "0" * 34 + restrictions]), 24)
    header, section = _gpp.encode({"tcfcav1": {}}).split("~")
    coded = head + draw.choice(["011", "111011", "1110000000000000011"]) * times
    return f"{header}~{_bits.to_text(_bits.from_text(section)[:207] + coded, 8)}"


def words(draw: random.Random) -> str:
    return draw.choice(WORDS) + draw.choice(["", "", draw.choice(WORDS)])


FORMS: dict[Callable[[random.Random], str], int] = {
    cut: 25, changed: 30, letters: 20, noise: 14, words: 8, long: 2, greedy: 1
}  # fmt: skip


def clear(said: Reading | None, part: str) -> bool:
    """Return whether SAID is nothing, a reading, or an error that says what is wrong."""
    if said is None:
        return True
    return isinstance(said, Reading) and said.source == part and bool(said.reason) == (said.quality != "ok")


def main() -> None:
    """Measure and write the number; it counts the inputs that went well."""
    shelf = Shelf("consentinel.detect.signals", "read")
    parts = {name: shelf.take(name) for name in shelf.names()}
    draw = random.Random(SEED)
    well, slowest, fed, quality = 0, 0.0, Counter[str](), Counter[str]()
    for _ in range(TEXTS):
        form = draw.choices([*FORMS], [*FORMS.values()])[0]
        text, part = form(draw), draw.choice([*parts, *["tcf", "gpp"] * 4])  # most for those with a decoder behind
        key = draw.choice(parts[part].KEYS)
        fed[form.__name__] += 1
        start = time.perf_counter()
        try:
            said = parts[part].read(key, text)
            with suppress(BadInput):
                STRICT[part](text)
        except Exception as error:
            print(f"{part} raised {type(error).__name__} on a text of form '{form.__name__}' under {key}")
            continue
        seconds = time.perf_counter() - start
        slowest = max(slowest, seconds)
        quality[said.quality if said else "none"] += 1
        well += seconds < 1 and clear(said, part)
    forms = ", ".join(f"{name} {n}" for name, n in sorted(fed.items()))
    answers = ", ".join(f"{name} {n}" for name, n in sorted(quality.items()))
    write(
        NAMES[0],
        value=well,
        low=well,
        high=well,
        n=TEXTS,
        protocol=f"seed {SEED}; fed: {forms}; to {', '.join(parts)} under their keys at random, mostly tcf and gpp, "
        f"and to the strict decoders behind these two; answers: {answers}; well means no exception (BadInput from a "
        f"strict decoder is its answer), under 1 s for both (slowest {slowest * 1e3:.0f} ms) and a reason wherever the "
        "quality is not ok",
    )


if __name__ == "__main__":
    main()
