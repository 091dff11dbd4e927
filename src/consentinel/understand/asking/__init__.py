"""Questions about the tables of runs: in SQL, or in plain language bound to the live schema."""
