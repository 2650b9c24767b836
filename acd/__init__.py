"""Automatic call distribution: the router, the floor around it, and the survival spool."""
