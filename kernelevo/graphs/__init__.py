"""Graphs: capture a module as one graph, rewrite it, check it, print it as a program."""
