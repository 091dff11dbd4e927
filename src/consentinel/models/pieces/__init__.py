"""What parts of several shelves are made of: ids, logs, histories, classes, trees, vectors of sentences."""
