"""A proven program in the place of the original module."""
