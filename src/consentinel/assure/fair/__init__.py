"""Probes of fairness: of groups, of people, of what is shown."""
