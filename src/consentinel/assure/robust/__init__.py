"""Probes of robustness: attacks, drift, and certificates."""
