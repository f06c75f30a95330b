"""What a machine with a GPU is asked to do, without pytest or a network: checks, verdicts, figures."""
