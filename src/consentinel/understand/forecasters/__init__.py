"""Ways to expect the next counts from those so far."""
