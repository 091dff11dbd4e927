"""Classifiers of text: each trains on labelled texts and says a margin for each class of a text."""
