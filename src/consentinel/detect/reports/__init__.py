"""Reports: the formats in which a scan can be read."""
