"""What a program's text says, and what it was built to."""
