"""Fault tests of callbacks: real processes, real Postgres, the real PBX, and `kill -9`.

`plan` draws from a seed what is killed when and how customers behave; `load` plays customers and
agents through the world's PBX; `witness` writes down what really happened, from outside of Sala;
`judge` compares that with the database's rows by the laws; `report` writes the page.
"""
