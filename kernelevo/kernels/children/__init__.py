"""The processes that programs and baselines run in, and the parent's conversation with them."""
