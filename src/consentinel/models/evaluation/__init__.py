"""How good models are: metrics with intervals over people, seeds and folds."""
