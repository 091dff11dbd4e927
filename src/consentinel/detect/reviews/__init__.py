"""Reviews with memory: what people decided about findings, kept over scans, and what is left to decide."""
