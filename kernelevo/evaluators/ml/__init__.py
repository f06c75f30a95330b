"""Machine-learning pack: hidden validation, sealed test, labels that no candidate ever sees."""
