"""What a program is tried on: input sets, parameters, secret cases and their answers; what a task hides."""
