"""The outside world: callers, desk phones, a throw-away Sala, and what proves that they talk."""
