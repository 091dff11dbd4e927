"""Ways in which a model comes into an audit."""
