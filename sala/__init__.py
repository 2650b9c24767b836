"""Sala: the voice server of an omnichannel contact centre.

This package holds the command line, the settings, and `bootstrap`, the only place that wires
the shells together.
"""
