"""Compare ways to rank a feed on satisfaction, not on clicks, with guardrails for people, where the truth is known."""

import numpy as np

from consentinel.models import asked
from consentinel.models.feed.experiment import Design, Experiment, Guardrails, run
from consentinel.models.feed.logged import interactions, logged
from consentinel.models.feed.variants import built_in, of_model
from consentinel.models.feed.world import World
from consentinel.models.recommend import popularity


def main(seed: int = 1, people: int = 1500) -> Experiment:
    """Learn from the log of some people, then let others meet each variant with the same luck."""
    world = World(seed=seed)
    log = logged(world, np.arange(2**30, 2**30 + 1000))
    most_clicked = popularity.trainer(asked.settings(popularity.SETTINGS, "", "popularity"))
    control = of_model("most clicked", most_clicked.train(interactions(log), seed=seed))
    variants = [control, built_in("clicks", world, log), built_in("satisfaction", world, log)]
    return run(world, variants, Design(people=people), Guardrails(gap=1.5))


if __name__ == "__main__":
    found = main()
    for row in found.table.filter(found.table["verdict"].to_numpy(zero_copy_only=False) != "measured").to_pylist():
        print("{metric:13} {variant:28} {value:8.3f} [{low:.3f}, {high:.3f}]  {verdict}".format(**row))
    print(found.sentence)
