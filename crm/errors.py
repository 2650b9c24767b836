"""Errors of the customer record.

CrmError
├── DatabaseUnavailable     no answer from Postgres now; trying again later may help
├── QueryFailed             Postgres refused a statement
│   └── DataRefused         ... because of the data in it; trying again will not help
├── MigrationError          the schema cannot be brought up to date
├── EmbeddedError           the embedded Postgres cannot be made, started or stopped
├── SpoolError              the file that keeps rows while the database is away does not serve
├── UnknownRegion           no public holidays are known of a country or part of one
└── NotFound                a row that was named does not exist

Each class's docstring is its message when none is given. A driver's error is kept as `__cause__`.
"""

from __future__ import annotations


class CrmError(Exception):
    """Something went wrong in the customer record."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class DatabaseUnavailable(CrmError):  # noqa: N818 - a state of the link, told as such
    """The database cannot be reached, or did not answer in time."""


class QueryFailed(CrmError):  # noqa: N818 - said as the field says it
    """The database refused a statement."""

    def __init__(
        self, message: str | None = None, *, sqlstate: str = "", constraint: str = ""
    ) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        """Five characters, after the SQL standard; empty when the driver gave none."""
        self.constraint = constraint
        """The constraint that was broken; empty when it was none."""


class DataRefused(QueryFailed):
    """The database refused the data of a statement: it breaks a type or a constraint."""


class MigrationError(CrmError):
    """The database's schema cannot be brought up to date."""


class EmbeddedError(CrmError):
    """The embedded Postgres cannot be made, started or stopped."""


class SpoolError(CrmError):
    """The spool of rows that the database could not take cannot be read or written."""


class UnknownRegion(CrmError):  # noqa: N818 - an ordinary answer, told as such
    """There is no such country or part of one whose public holidays are known."""


class NotFound(CrmError):  # noqa: N818 - an ordinary answer, told as such
    """There is no such row."""
