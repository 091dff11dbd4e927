"""Models of pictures: classes, embeddings and nearest pictures."""
