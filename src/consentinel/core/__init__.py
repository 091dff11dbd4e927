"""The shared language of all rooms: tables, parts, runs, evidence, masking, statistics."""
