"""Asterisk dialplans as an admin writes them: read without a PBX, and checked for what it hides."""
