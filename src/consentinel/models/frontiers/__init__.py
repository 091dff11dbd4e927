"""Utility against epsilon: private trainers between what no privacy and what no model at all would give."""
