"""A replayable feed whose ground truth is known by construction, and experiments in it."""
