"""Probes of privacy: what a model tells of the people that it learned from."""
