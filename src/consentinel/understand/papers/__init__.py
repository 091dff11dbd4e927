"""What a story can be printed as."""
