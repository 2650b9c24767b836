"""The flow language and its interpreter: pure, so that one interpreter serves every use.

Nothing in this package awaits, opens a file, reads a clock or logs.
"""
