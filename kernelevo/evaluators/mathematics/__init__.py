"""Mathematics pack: constructions that are checked exactly, against a table of records."""
