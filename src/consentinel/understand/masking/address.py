"""Street addresses, boxes, flats and postal codes."""

import re
from collections.abc import Iterator

from consentinel.understand.masking._span import Span

__all__ = ["KINDS", "find"]

KINDS = ("ADDRESS", "POSTCODE")
_WORD = r"(?:[^\W\d_][\w'.-]*|\d{1,3}(?:st|nd|rd|th))"
_KIND = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq|Terrace|Way|Circle|Cir"
    r"|Parkway|Pkwy|Highway|Hwy|Trail|Close|Crescent|Row|Alley|Plaza|Walk|Mews|Hill|Gardens)"
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR"
    "|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|PR|AA|AE|AP"
)
_FLAT = r"P\.?\s?O\.?\s?Box|PSC|Box|Unit|Apt|Apartment|Suite|Ste|Flat|Room"
_ENDS = r"straße|strasse|straat|gasse|weg|gatan|vej|vägen|laan|plein|platz|utca|katu|tie|ulice"
_BEGINS = r"Rue|Avenue|Via|Viale|Calle|Rua|Corso|Piazza|Plaza|Place|Boulevard|Chemin|Avenida"
_PATTERNS = (
    (
        "ADDRESS",
        0.92,
        rf"(?<![\w.#-])\d{{1,6}}[A-Za-z]?(?:[ ,]+{_WORD}){{0,4}}[ ]+{_KIND}\b(?:\.(?=,))?(?: [NSEW]{{1,2}}\b)?",
    ),
    ("ADDRESS", 0.9, rf"\b(?:{_FLAT})\.? ?#? ?\d{{1,5}}[A-Za-z]?\b"),
    ("ADDRESS", 0.85, rf"\b(?:[A-ZÀ-Ý][\w'-]*(?:{_ENDS}))\.? \d{{1,4}}[a-z]?\b"),
    ("ADDRESS", 0.85, rf"\b(?:{_BEGINS})(?: [\w'.-]+){{1,4}},? \d{{1,4}}\b"),
    ("POSTCODE", 0.9, rf"\b(?:{_STATES}),? (?P<code>\d{{5}}(?:-\d{{4}})?)\b"),
    ("POSTCODE", 0.9, r"\b\d{5}-\d{4}\b"),
    (
        "POSTCODE",
        0.85,
        r"\b(?i:zip|postal|post)(?i: ?code)?(?: ?(?:is|:|#|of|in)){0,2} (?P<code>\d{4,6}(?:-\d{3,4})?)\b",
    ),
    ("POSTCODE", 0.85, r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"),
    ("POSTCODE", 0.85, r"\b[A-Z]\d[A-Z] ?\d[A-Z]\d\b"),
)
_FOUND = [(kind, p, re.compile(pattern)) for kind, p, pattern in _PATTERNS]


def find(text: str) -> Iterator[Span]:
    """Yield the parts of addresses in TEXT. Source: USPS publication 28; UK and Canadian codes by their form."""
    for kind, p, pattern in _FOUND:
        group = "code" if "code" in pattern.groupindex else 0
        for hit in pattern.finditer(text):
            yield Span(*hit.span(group), kind, p)
