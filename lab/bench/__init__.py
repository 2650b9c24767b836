"""Measurements of Sala against app_queue: the same Asterisk, the same clients, in one run.

`python -m lab.bench` runs them all, prints a table and writes `.sala/bench.json`.
One module a measurement: `idle`, `freed`, `cpu`, `rate`. `ground` brings both peers up, `clients`
plays callers and agents by SIPp, `trace` reads what SIPp saw and when.
"""
