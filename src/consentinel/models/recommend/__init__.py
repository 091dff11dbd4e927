"""Recommenders: who liked what, and what to show next."""
