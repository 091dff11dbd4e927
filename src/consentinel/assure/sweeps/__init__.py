"""The trade-off between utility, fairness, privacy and robustness over settings of a trainer."""
