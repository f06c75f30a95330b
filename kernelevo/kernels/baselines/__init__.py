"""PyTorch's own ways to run the module, which of them a program has to beat, and what bounds them all."""
