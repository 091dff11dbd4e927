"""Formats in which an audit is written."""
