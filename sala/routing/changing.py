"""Changes to the routing configuration: checked whole, shown, then written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from acd import policy
from acd.callbacks.policy import of_queues
from acd.policy.faults import Faults
from acd.router import check
from crm import floor
from crm.database import Database
from crm.records import Floor
from sala import secrets
from sala.database import CALLER_ACCOUNT
from sala.errors import SecretsError, UserError
from sala.parts import TRUNK_ACCOUNT
from sala.routing.diff import diff

Edit = Callable[[Floor], Floor]
Wrong = Callable[[Iterable[policy.Fault]], UserError]


@dataclass(frozen=True, slots=True)
class Change:
    """What is, what is to be, and what that means."""

    was: Floor
    wanted: Floor

    @property
    def lines(self) -> list[str]:
        """What changes, field by field; empty if nothing does."""
        return diff(self.was, self.wanted)

    @property
    def new_warnings(self) -> list[str]:
        """Queues and steps that nobody could serve from now on, and that somebody could before."""
        before = set(warnings(self.was))
        return [line for line in warnings(self.wanted) if line not in before]

    @property
    def new_accounts(self) -> list[str]:
        """SIP accounts that agents have from now on."""
        before = {agent.address for agent in self.was.agents}
        return [agent.address for agent in self.wanted.agents if agent.address not in before]

    @property
    def old_accounts(self) -> list[str]:
        """SIP accounts that no agent has any more."""
        after = {agent.address for agent in self.wanted.agents}
        return [agent.address for agent in self.was.agents if agent.address not in after]


def warnings(of: Floor) -> list[str]:
    """Say which queues and steps of a floor nobody could ever serve."""
    return check.warnings(policy.read(of).configuration)


def plan(was: Floor, edit: Edit, wrong: Wrong | None = None) -> Change:
    """Return what an edit would change. Raises UserError with every fault it brings in.

    A fault that was there before, by other hands, does not keep anything else from being changed.
    """
    wanted = edit(was)
    known = {str(fault) for fault in _faults(was)}
    faults = [fault for fault in _faults(wanted) if str(fault) not in known]
    made = Change(was, wanted)
    faults += _accounts(made)
    if faults:
        raise (wrong or _told)(faults)
    return made


def _faults(of: Floor) -> list[policy.Fault]:
    callbacks = Faults()
    of_queues(of.queues, callbacks)
    return [*policy.read(of, known=True).faults, *callbacks.found]


def _accounts(change: Change) -> Iterator[policy.Fault]:
    new = set(change.new_accounts)
    for agent in change.wanted.agents:
        if agent.address not in new:
            continue
        place = ("agents", agent.id, *(() if agent.address == agent.id else ("account",)))
        if agent.address == CALLER_ACCOUNT or TRUNK_ACCOUNT.fullmatch(agent.address):
            what = "is the name of an account of Sala's own; choose another"
            yield policy.Fault(place, f"{agent.address} {what}")
            continue
        try:
            secrets.check_account(agent.address)
        except SecretsError as error:
            yield policy.Fault(place, str(error))


def _told(faults: Iterable[policy.Fault]) -> UserError:
    return UserError("\n".join([*map(str, faults), "nothing was changed"]))


async def change(
    database: Database, edit: Edit, wrong: Wrong | None = None, *, shown: Change | None = None
) -> Change:
    """Check and write a change in one transaction, and return it.

    `shown` is what the admin agreed to: if the configuration is another by now, UserError is
    raised and nothing is changed.
    """
    made: list[Change] = []

    def checked(was: Floor) -> Floor:
        if shown is not None and was.version != shown.was.version:
            raise UserError(
                "the configuration was changed by someone else meanwhile; nothing was changed: "
                "run it again to see what it would change now"
            )
        made.append(plan(was, edit, wrong))
        return made[-1].wanted

    await floor.change(database, checked)
    return made[-1]
