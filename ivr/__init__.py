"""The IVR: the flow language and its interpreter, the session on a live call, prompts, speech."""
