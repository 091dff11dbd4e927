"""Train a recommender on made-up clicks and audit it: who is served worse, who can push an item, whose clicks show."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from consentinel import assure, models
from consentinel.core.errors import MissingExtra
from consentinel.core.run import Outcome
from consentinel.models.feed.logged import interactions, logged, person_ids
from consentinel.models.feed.world import Feed, World


def clicked(people: int, seed: int) -> tuple[pa.Table, pa.Table]:
    """Return what so many made people clicked, and which of two groups each is in; the smaller has other tastes."""
    log = logged(World(Feed(logged=80), seed), np.arange(people))
    group = np.where(log.crowd.sensitive, "smaller", "larger").tolist()
    return interactions(log), pa.table({"user": person_ids(log.crowd.numbers), "group": group})


def main(clicks: Path | None = None, out: Path | None = None, people: int = 600, shadows: int = 16) -> Outcome:
    """Audit EASE on CLICKS (a table with user and item), or on made ones.

    The reports are kept in OUT where one is given.
    """
    with TemporaryDirectory() as place:
        home, options = Path(place), {}
        if clicks is None:
            rows, groups = clicked(people, seed=1)
            clicks = home / "clicks.parquet"
            pq.write_table(rows, clicks)
            pq.write_table(groups, home / "people.parquet")
            options = {"people": home / "people.parquet", "groups": "group"}
        models.train("recommend/ease", clicks, settings="reg=100", split="random", out=home / "ease")
        return assure.audit(
            str(home / "ease" / "model.safetensors"), home / "ease" / "held_out.parquet", kind="recsys",
            learned=home / "ease" / "training.parquet", trainer="recommend/ease:reg=100", shadows=shadows, rows=200,
            draws=500, out=out or home / "audit", **options,  # type: ignore[arg-type]
        )  # fmt: skip


if __name__ == "__main__":
    try:
        print(main(*map(Path, sys.argv[1:3])).text)
    except MissingExtra as why:
        raise SystemExit(str(why)) from None
