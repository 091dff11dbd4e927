"""Slips of the finger: edits of one word by characters, as a hurried or a hiding writer makes them."""

import numpy as np

__all__ = ["slips"]

MOST = 16  # edits that are tried on one word
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_ALIKE = dict(zip("aceiopsxyj01", "асеіорѕхуϳοl", strict=True))  # noqa: RUF001 (letters of other scripts that look alike)


def slips(word: str, rng: np.random.Generator) -> list[str]:
    """Return at most MOST different edits of WORD: two letters swapped, one dropped, doubled, hit beside, or replaced
    by one that looks alike; each kind has its share. A word of one letter is doubled or replaced alone."""
    low = word.lower()
    kinds = [
        [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)],
        [word[:at] + word[at + 1 :] for at in range(len(word))] if len(word) > 1 else [],
        [word[:at] + word[at] + word[at:] for at in range(len(word))],
        [word[:at] + key + word[at + 1 :] for at in range(len(word)) for key in _BESIDE.get(low[at], "")],
        [word[:at] + _ALIKE[low[at]] + word[at + 1 :] for at in range(len(word)) if low[at] in _ALIKE],
    ]
    mixed = [[some[at] for at in rng.permutation(len(some))] for some in kinds]
    turns = [some[at] for at in range(max(map(len, mixed))) for some in mixed if at < len(some)]
    return [edit for edit in dict.fromkeys(turns) if edit != word][:MOST]


def _beside() -> dict[str, str]:
    """Return the keys next to each key of a board, in its row and in the rows above and below."""
    found = {}
    for at, row in enumerate(_ROWS):
        for place, key in enumerate(row):
            near = [other for way in (place - 1, place + 1) if 0 <= way < len(row) for other in row[way]]
            for line in (at - 1, at + 1):
                if 0 <= line < len(_ROWS):
                    near += [
                        other for way in (place, place + 1) if way < len(_ROWS[line]) for other in _ROWS[line][way]
                    ]
            found[key] = "".join(near)
    return found


_BESIDE = _beside()
