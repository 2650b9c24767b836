"""Customers, found by how they reach us."""

from __future__ import annotations

from crm.database import Database
from crm.errors import DataRefused, NotFound
from crm.records import Customer, Identity


async def find_or_make(database: Database, identity: Identity) -> str:
    """Return the id of the customer with this identity, made if it is new.

    Any number of calls at once with the same new identity give the same customer.
    """
    return str(await database.value("customers_find_or_make", identity.kind, identity.value))


async def get(database: Database, customer: str) -> Customer:
    """Return a customer by id. Raises `NotFound`."""
    row = await database.row("customers_get", customer)
    if row is None:
        raise NotFound(f"There is no customer {customer}.")
    identities = tuple(map(Identity, row["kinds"], row["values"]))
    return Customer(
        row["id"], row["name"], row["language"], row["created_ms"], identities, row["tier"]
    )


async def by_identity(database: Database, identity: Identity) -> Customer | None:
    """Return the customer with this identity, or None; makes none."""
    found = await database.value("customers_by_identity", identity.kind, identity.value)
    return None if found is None else await get(database, found)


async def last_agent(database: Database, identity: Identity) -> str | None:
    """Return the agent whom the customer with this identity spoke to last; None if none is known.

    The agent may work here no more.
    """
    found = await database.value("customers_last_agent", identity.kind, identity.value)
    return None if found is None else str(found)


async def keep_language(database: Database, interaction: str, language: str) -> None:
    """Keep a language (a BCP 47 tag) on the record of an interaction's customer, if it has one."""
    await database.value("customers_keep_language", interaction, language)


async def set_tier(database: Database, customer: str, tier: str | None) -> None:
    """Say what a customer is worth to us, such as `vip`; None: nothing in particular.

    Raises `NotFound`, or `DataRefused` for a tier that is no word.
    """
    try:
        found = await database.value("customers_set_tier", customer, tier)
    except DataRefused as error:
        if error.constraint != "customers_tier_check":
            raise
        raise DataRefused(
            f"{tier!r} is no tier: use a-z, 0-9, _ and -, a letter first.",
            constraint=error.constraint,
        ) from error
    if found is None:
        raise NotFound(f"There is no customer {customer}.")
