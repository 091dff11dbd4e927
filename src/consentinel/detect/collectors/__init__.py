"""Collectors: readers of recorded traffic, one format each."""
