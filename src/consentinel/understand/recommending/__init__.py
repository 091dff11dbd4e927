"""Recommended mitigations: what others did in cases like it, what rules ask for, and why."""
