"""The judge of kernel programs: oracle, correctness rule, secret inputs, trusted clock, verdicts."""
