"""Callbacks: places kept for customers who have hung up, dialled when their turn comes.

`Book` is the pure core: what it is told and tells stands in `events`, how callbacks of a queue are
made in `policy`. The durable side is `crm.callbacks` and `crm.attempts`.
"""

from .book import Book as Book
from .policy import Policy as Policy
