"""Sources of incidents and texts, one part each: files, databases and runs of this program."""
