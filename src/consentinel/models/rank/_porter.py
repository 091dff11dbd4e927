"""Stems of English words by Porter's algorithm (Porter 1980, "An algorithm for suffix stripping")."""

from functools import lru_cache

__all__ = ["stem"]

# Each step: the endings that it knows, longest first where one ends another, and what stands in their place.
_DOUBLE = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "abli": "able", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble",
}  # fmt: skip
_SINGLE = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_LAST = dict.fromkeys(
    ("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
     "ous", "ive", "ize"), "",
)  # fmt: skip


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return the stem of WORD, lower case; words of one or two letters, or with other than a to z, stay the same."""
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return word
    if word.endswith("sses") or word.endswith("ies"):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    word = _past(word)
    if word.endswith("y") and "v" in _form(word[:-1]):
        word = word[:-1] + "i"
    word = _replaced(word, _DOUBLE, 1)
    word = _replaced(word, _SINGLE, 1)
    word = _replaced(word, _LAST, 2)
    if word.endswith("e"):
        short = word[:-1]
        if _measure(short) > 1 or (_measure(short) == 1 and not _closed(short)):
            word = short
    if word.endswith("ll") and _measure(word) > 1:
        word = word[:-1]
    return word


def _past(word: str) -> str:
    """Take -eed, -ed and -ing away, and mend what is left (step 1b)."""
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for ending in ("ed", "ing"):
        if word.endswith(ending):
            short = word[: -len(ending)]
            if "v" not in _form(short):
                return word
            if short.endswith(("at", "bl", "iz")):
                return short + "e"
            if len(short) > 1 and short[-1] == short[-2] and _form(short)[-1] == "c" and short[-1] not in "lsz":
                return short[:-1]
            return short + "e" if _measure(short) == 1 and _closed(short) else short
    return word


def _replaced(word: str, endings: dict[str, str], least: int) -> str:
    """Replace the longest of ENDINGS that WORD has, where what stands before it has a measure of LEAST."""
    for length in range(min(7, len(word)), 1, -1):
        ending = word[-length:]
        if ending in endings:
            short = word[:-length]
            fits = ending != "ion" or short.endswith(("s", "t"))
            return short + endings[ending] if fits and _measure(short) >= least else word
    return word


def _form(word: str) -> str:
    """Return WORD as consonants (c) and vowels (v); y after a consonant is a vowel."""
    form = ""
    for letter in word:
        form += "v" if letter in "aeiou" or (letter == "y" and form.endswith("c")) else "c"
    return form


def _measure(word: str) -> int:
    return _form(word).count("vc")


def _closed(word: str) -> bool:
    """Whether WORD ends consonant, vowel, consonant, and the last is not w, x or y."""
    return _form(word).endswith("cvc") and word[-1] not in "wxy"
