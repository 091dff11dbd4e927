"""What moved: the slices of a table that explain why a count or a rate changed, or that nothing did."""
