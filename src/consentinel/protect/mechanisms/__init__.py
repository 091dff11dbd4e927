"""Mechanisms: which exact statistics an aggregate needs, and how their noisy values become an answer with interval."""
