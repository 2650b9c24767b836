"""Speech: text → audio in the formats a PBX plays without work."""
