"""Claims about the search itself: its quality without a language model, its cost at size."""
