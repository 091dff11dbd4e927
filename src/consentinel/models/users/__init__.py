"""Models of people: embeddings, look-alikes and stable segments."""
