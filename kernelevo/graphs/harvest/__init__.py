"""What Inductor generates for a module, as programs that need no Inductor."""
