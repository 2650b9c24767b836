"""The commands, one module each. Heavy imports stand inside the functions."""
