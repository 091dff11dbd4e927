"""Surfaces: recognisers of data types, one type each."""
