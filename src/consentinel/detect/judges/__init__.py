"""What a datum is, what a request is for, and whether a claim is a violation: rules, baselines and learned models."""
