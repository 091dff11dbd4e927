"""The command line: it reads the verbs of the rooms and computes nothing itself."""
