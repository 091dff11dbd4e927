"""Counts by day, week or month: what is expected, how sure that is, when it changed, and what stands out."""
