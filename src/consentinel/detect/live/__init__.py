"""Live capture: visits of pages in Chromium, kept as evidence that can be scanned."""
