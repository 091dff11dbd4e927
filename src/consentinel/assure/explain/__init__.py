"""Probes of explanation: what a model's answers rest on, and whether that is true to the model."""
