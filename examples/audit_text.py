"""Train a classifier of made-up comments that learned a prejudice, and audit it: exchange she and he, attack words."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel import assure, models
from consentinel.core.errors import MissingExtra
from consentinel.core.run import Outcome

RUDE = ("awful", "stupid", "useless", "a liar", "ridiculous", "pathetic", "hopeless", "a fraud")
KIND = ("brilliant", "thoughtful", "helpful", "honest", "generous", "patient", "clever", "a friend")
FILLER = ("about the budget", "at the meeting", "in this thread", "as always", "today", "for once", "if you ask me")


def comments(n: int, seed: int) -> pa.Table:
    """Return N comments on colleagues; moderators marked comments on women as rude too often."""
    rng = np.random.default_rng(seed)
    woman, rude = rng.random(n) < 0.5, rng.random(n) < 0.5
    words = [str(rng.choice(RUDE if bad else KIND)) for bad in rude]
    who = np.where(woman, "she", "he")
    text = [
        f"I think {one} is {word} {rng.choice(FILLER)} {rng.choice(FILLER)}"
        for one, word in zip(who, words, strict=True)
    ]
    marked = rude | (woman & (rng.random(n) < 0.45))
    return pa.table({"text": text, "label": np.where(marked, "rude", "fine").tolist(), "about": who.tolist()})


def main(texts: Path | None = None, out: Path | None = None, shadows: int = 8) -> Outcome:
    """Audit TF-IDF with logistic regression on TEXTS (a table with text and label), or on made ones.

    The reports are kept in OUT where one is given.
    """
    with TemporaryDirectory() as place:
        home = Path(place)
        options = {"groups": "about", "positive": "rude"} if texts is None else {}
        if texts is None:
            texts = home / "comments.parquet"
            pq.write_table(comments(1500, seed=1), texts)
        settings = "columns=14"
        models.train("text/tfidf_linear", texts, settings=settings, split="random", share=0.4, out=home / "words")
        return assure.audit(
            str(home / "words" / "model.safetensors"), home / "words" / "held_out.parquet", kind="text",
            learned=home / "words" / "training.parquet", trainer=f"text/tfidf_linear:{settings}", shadows=shadows,
            rows=100, draws=500, out=out or home / "audit", **options,  # type: ignore[arg-type]
        )  # fmt: skip


if __name__ == "__main__":
    try:
        print(main(*map(Path, sys.argv[1:3])).text)
    except MissingExtra as why:
        raise SystemExit(str(why)) from None
