"""The static checks, by what they look at. Each is a function (flow, context) → problems."""
