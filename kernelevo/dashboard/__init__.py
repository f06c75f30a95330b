"""The live page: reads the store of a run, writes only commands; needs the extra ``ui``."""
