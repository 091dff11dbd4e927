"""Experiments, read and planned: what was asked, what the data allow, and what came out."""
