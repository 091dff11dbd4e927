"""Tests that try to refute a privacy claim; each part looks for one way in which it may be false."""
