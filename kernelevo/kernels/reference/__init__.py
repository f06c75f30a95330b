"""What the module itself answers, in fp32 and in fp64, and how exactly an answer may be asked for."""
