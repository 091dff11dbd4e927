"""How a story is computed, written down, checked again and told on time."""
