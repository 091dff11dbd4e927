"""Files that models read and write: Parquet, RecBole atomic, LETOR and TREC."""
