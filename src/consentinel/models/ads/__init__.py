"""Models of ads: clicks, conversions and uplift, as calibrated probabilities."""
