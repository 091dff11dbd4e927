"""Training that pays for what it learns: noise, sampling, accounting."""
