"""The routing configuration as files and commands have it: read, shown, compared, changed."""
