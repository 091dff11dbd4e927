"""How much information a planted value holds, estimated low: a chance match has a probability of at most 2^-bits.

The estimate adds up what each token of the value (a run of letters and digits) holds:

* a random UUID (RFC 9562, version 4) holds 122 bits, another UUID 60, because parts of it are a clock and an address;
* a token that changes between lower case, upper case and digits at least every third character looks drawn at random:
  log2 of its alphabet a character (16 for hexadecimal tokens of 16 characters or more, else 36 or 62);
* any other token is cut into runs: log2(10) a digit, and 2 bits a letter, because letters may be a word (Shannon 1951
  measured 0.6 to 1.3 bits a letter in running English given the text before it, and more for short contexts);
* repeated tokens count once, and repetitive ones ("000000", "123456", "abcabc") are scaled down by how many distinct
  characters, and distinct steps from one character to the next, they show against what a random token would show;
* the domain of an e-mail address and the country code of a phone number count nothing: they are public.

The planted file may state `bits` for a value that was drawn at random; then that counts, up to 8 bits a byte.
"""

import math
import re
from itertools import pairwise

__all__ = ["estimate"]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([1-8])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
UUID_BITS = {"4": 122.0}
OTHER_UUID_BITS = 60.0
RUN = re.compile(r"[0-9]+|[A-Z]?[a-z]+|[A-Z]+")
RANDOM_RUN = 3  # characters: longer runs of one class look chosen, not drawn
TOKEN = re.compile(r"[^\W_]+")
DIGITS = "0123456789"
HEX = DIGITS + "abcdef"
LOWER = DIGITS + "abcdefghijklmnopqrstuvwxyz"
MIXED = LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTER_BITS = 2.0
COUNTRY_DIGITS = 3


def estimate(value: str, kind: str) -> int:
    """Return the bits of information in VALUE, a datum of type KIND; never more than 8 a byte."""
    text = value.strip()
    if kind == "contact.email":
        text = text.rpartition("@")[0] or text
    if kind == "contact.phone":
        digits = re.sub(r"\D", "", text)
        text = digits[COUNTRY_DIGITS:] if len(digits) > COUNTRY_DIGITS else digits
    bits = 0.0
    for uuid in {u[0].lower(): u for u in UUID.finditer(text)}.values():
        bits += UUID_BITS.get(uuid[1], OTHER_UUID_BITS) * _spread(uuid[0].lower().replace("-", ""), HEX)
    bits += sum(map(_token, {t.lower(): t for t in TOKEN.findall(UUID.sub(" ", text))}.values()))
    return min(math.floor(bits), 8 * len(value.encode()))


def _token(token: str) -> float:
    """Return the bits of one run of letters and digits."""
    runs = RUN.findall(token)
    if token.isalpha() or not token.isascii() or len(token) > RANDOM_RUN * len(runs):
        digits, letters = re.sub("[^0-9]", "", token), re.sub("[0-9]", "", token).lower()
        numeric = math.log2(10) * len(digits) * _spread(digits, DIGITS)
        return numeric + LETTER_BITS * len(letters) * _spread(letters, LOWER)
    if len(token) >= 16 and re.fullmatch("[0-9a-f]+|[0-9A-F]+", token):
        alphabet, token = HEX, token.lower()
    elif re.search("[a-z]", token) and re.search("[A-Z]", token):
        alphabet = MIXED
    else:
        alphabet, token = LOWER, token.lower()
    return math.log2(len(alphabet)) * len(token) * _spread(token, alphabet)


def _spread(token: str, alphabet: str) -> float:
    """Return how much of the variety of a random token this one shows, from near 0 to 1."""
    if not token:
        return 0.0
    size = len(alphabet)
    at = [alphabet.find(c) if c in alphabet else ord(c) for c in token]
    steps = [(b - a) % size for a, b in pairwise(at)] or at
    return min(1.0, *(len(set(seen)) / (size * (1 - (1 - 1 / size) ** len(seen))) for seen in (at, steps)))
