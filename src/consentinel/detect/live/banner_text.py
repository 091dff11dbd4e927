"""What the text of a button in a consent dialog means: accept, reject, settings, save, acknowledge or other.

No model and no list of sentences: words of about thirty languages say what is done (agree, refuse, choose, keep) and
to what (all, only what is necessary, what was selected), and a few rules that hold in all these languages put the
two together. The words are in data/button_words.toml.
"""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

__all__ = ["LABELS", "Meaning", "category", "meaning", "plain_text", "says_all"]

LABELS = ("accept", "reject", "settings", "save", "acknowledge", "other")
LONGEST = 14  # words; what is longer is a sentence, not a button
_FOLDED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "'": "", "’": ""})  # noqa: RUF001
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯฀-๿؀-ۿ֐-׿ऀ-ॿ]")
# What a toggle or a group of a dialog is for, by stems that many languages share; necessary ones come first.
_CATEGORIES = {
    "necessary": r"necess|neces|essen[tcz]|required|mandatory|obligat|notwendig|erforderlich|noodzak|niezb|nodvend|"
    r"nodvand|valttam|nezbyt|nutn|nevyhn|szukseg|απαραιτ|необх|gerekli|zorunlu|必要|必需|必須|필수|"
    r"strictly|always active",
    "advertising": r"advert|\bads?\b|marketing|market|target|werb|publici|pubblicit|publicidad|reklam|annons|mainos|"
    r"remarket|retarget|doubleclick|adsense|ad_|facebook|pixel|διαφημ|реклам|hirdet|oglas|広告|广告|廣告|광고|sponsor|"
    r"\bsale\b|\bsell\b",
    "analytics": r"analy|statist|measur|mesure|audience|perform|messung|medicion|misuraz|metin|tilast|pomiar|mereni|"
    r"στατιστ|статист|аналит|анализ|analiz|matomo|posthog|統計|分析|통계|분석",
}
_CATEGORY = {name: re.compile(pattern) for name, pattern in _CATEGORIES.items()}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a button's text means, how sure that is (0 to 1), and the languages whose words said so."""

    label: str
    sure: float
    languages: tuple[str, ...] = ()


def plain_text(text: str) -> str:
    """Return TEXT without accents, case, apostrophes and signs, words separated by one space."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(_FOLDED))
    folded = "".join(c for c in folded if not unicodedata.combining(c)).translate(_FOLDED)
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", folded)))


Finders = dict[str, dict[str, re.Pattern[str]]]


@cache
def _words() -> tuple[Finders, Finders]:
    """Return, by meaning and language, what finds the words of spaced and of unspaced scripts."""
    told = tomllib.loads(files("consentinel.detect").joinpath("data/button_words.toml").read_text("utf-8"))
    spaced: Finders = {}
    unspaced: Finders = {}
    for concept, languages in told.items():
        for language, line in languages.items():
            anywhere = bool(_UNSPACED.search(line))
            forms = sorted((_form(word) for word in line.split()), key=len, reverse=True)
            joined = "|".join(forms)
            pattern = re.compile(joined if anywhere else rf"(?<!\S)(?:{joined})(?!\S)")
            (unspaced if anywhere else spaced).setdefault(concept, {})[language] = pattern
    return spaced, unspaced


def _form(word: str) -> str:
    """Return the pattern of one word of the file."""
    plain = re.escape(plain_text(word.replace("_", " ")))
    return plain + (r"\S*" if word.endswith("*") else "")


@lru_cache(maxsize=20_000)
def meaning(text: str) -> Meaning:
    """Return what a button with TEXT does."""
    plain = plain_text(text)
    words = plain.split()
    if not words or len(words) > LONGEST:
        return Meaning("other", 1.0 if words else 0.0)
    spaced, unspaced = _words()
    found: dict[str, list[tuple[int, int]]] = {}
    languages: dict[str, int] = {}
    finders = [spaced] + ([unspaced] if _UNSPACED.search(plain) else [])
    for finder in finders:
        for concept, patterns in finder.items():
            for language, pattern in patterns.items():
                for hit in pattern.finditer(plain):
                    found.setdefault(concept, []).append(hit.span())
                    languages[language] = languages.get(language, 0) + 1
    label, sure = _decide({concept: len(spans) for concept, spans in found.items()}, plain, found)
    covered = set[int]().union(*(range(*span) for spans in found.values() for span in spans))
    letters = [i for i, c in enumerate(plain) if c != " "]
    known = sum(i in covered for i in letters) / len(letters)
    if known < 0.4 and len(words) > 3:
        return Meaning("other", 1 - known)
    most = max(languages.values(), default=0)
    return Meaning(label, round(sure * (0.5 + 0.5 * known), 3), tuple(k for k, n in languages.items() if n == most))


def _decide(has: dict[str, int], plain: str, spans: dict[str, list[tuple[int, int]]]) -> tuple[str, float]:
    """Put the words together: the rules that hold in every language."""
    chars = {c: set[int]().union(*(range(*s) for s in at)) for c, at in spans.items()}
    refuses = bool(chars.get("no", set()) - chars.get("other_than_necessary", set()))
    only, necessary = "only" in has, "necessary" in has and "other_than_necessary" not in has
    agrees = bool(chars.get("yes", set()) - chars.get("no", set()))
    turned = bool(chars.get("not", set()) - chars.get("other_than_necessary", set()))
    detail = bool(chars.get("settings", set()) - chars.get("chosen", set()) - chars.get("other_than_necessary", set()))
    if "sell" in has and (turned or refuses):
        return "reject", 0.9
    if "elsewhere" in has and not (refuses or (agrees and "all" in has)):
        return ("settings", 0.6) if detail and not plain.startswith("view") else ("other", 0.9)
    if "elsewhere" in has:
        return "other", 0.6
    if "save" in has or ("chosen" in has and (agrees or only)):
        if necessary:
            return "reject", 0.9
        if "all" in has and agrees:
            return "accept", 0.8
        return "save", 0.9
    if refuses and detail and "all" not in has:
        return "settings", 0.7
    if refuses:
        return "reject", 1.0
    if detail and not agrees:
        return "settings", 0.9 if "chosen" not in has else 0.8
    if turned and agrees:
        return "reject", 0.95
    if necessary and (only or agrees):
        return "reject", 0.95 if only or "all" not in has else 0.7
    if detail and agrees and "agreement" in has and "all" not in has:
        return "settings", 0.9
    if only and agrees:
        return "reject", 0.7
    if agrees:
        return "accept", 1.0
    if necessary:
        return "reject", 0.4  # mostly the heading of a category
    if turned:
        return "reject", 0.7
    if "all" in has and "ok" not in has:
        return "accept", 0.5
    if "agreed_in_short" in has:
        return "accept", 0.7
    if "ok" in has:
        return "acknowledge", 0.9
    if "chosen" in has:
        return "settings", 0.5
    return "other", 0.8


def says_all(text: str) -> bool:
    """Return whether TEXT speaks of all of something, in any of the languages known."""
    plain = plain_text(text)
    return any(pattern.search(plain) for finder in _words() for pattern in finder.get("all", {}).values())


def category(text: str) -> str:
    """Return what a toggle with TEXT is for: necessary, advertising, analytics or other."""
    plain = plain_text(text)
    return next((name for name, pattern in _CATEGORY.items() if pattern.search(plain)), "other")
