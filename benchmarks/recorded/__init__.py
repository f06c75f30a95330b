"""Recorded runs with language models: prompts, replies and verdicts, to be read and replayed."""
