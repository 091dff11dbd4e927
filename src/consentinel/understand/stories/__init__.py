"""Stories: what is asked of the tables, and the sentences that the answers are put into."""
