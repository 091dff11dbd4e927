"""Ways to narrow a gap: before, during and after training."""
