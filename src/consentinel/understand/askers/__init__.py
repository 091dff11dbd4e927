"""Ways to turn a question into SQL: templates of our own, a model behind a URL, a model on this machine."""
