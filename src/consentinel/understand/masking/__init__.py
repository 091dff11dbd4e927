"""Recognisers of personal data in running text, one part each."""
