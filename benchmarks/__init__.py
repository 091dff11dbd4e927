"""What is measured: claims, speed, and the peers beside."""
