"""Near-duplicates, links between reports of one incident, groups that stand, and stable named topics."""
