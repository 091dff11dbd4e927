"""Ways to read an experiment."""
