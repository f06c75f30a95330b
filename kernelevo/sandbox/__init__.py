"""Limited child processes: zygotes that fork them, channels to talk, limits they cannot leave."""
