"""What a program can do wrong, and the words and verdicts for it."""
