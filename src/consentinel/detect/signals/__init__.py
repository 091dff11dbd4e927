"""Signals: consent strings and flags, one standard each."""
