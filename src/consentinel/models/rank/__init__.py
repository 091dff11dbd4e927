"""Search rankers: documents for a query."""
