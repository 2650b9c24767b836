"""Reception: what Sala does when the PBX asks. The `pbx.port.Handler` of the service.

Joins the flow (`ivr.session`) to the floor (`acd.floor`): a call that comes in becomes an
interaction, goes through the flow of the number it dialled, and into a queue.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

import uuid6

from acd.calling_back.attempt import CALLBACK, whom
from acd.clock import Clock
from acd.contacts import Contact
from acd.floor import Floor
from acd.handover.handover import SECOND
from acd.ledger import Ledger
from acd.roster import Roster
from acd.router.events import Wanted
from crm.identities import phone
from ivr.errors import FlowUnknown, PromptMissing, QueueRefused
from ivr.flow import state
from ivr.flow.frame import LAST_AGENT, Facts, World, asked
from ivr.flow.load import Flow
from ivr.library import Library
from ivr.partners import Left
from ivr.prompts import PromptStore
from ivr.services import Place, Services
from ivr.session import Session
from pbx.port import Call, CallEnded, Cause, SwitchBack, SwitchEvent, SwitchLost
from sala.arrivals import arrival
from sala.behind import Behind
from sala.calling_back import Speaking
from sala.errands import Errands
from sala.handing import Handing
from sala.notebook import Notebook
from sala.personal import CODE, Personal

log = logging.getLogger(__name__)

FEATURES = {
    "*22": (Wanted.AVAILABLE, "agent-logged-in"),
    "*23": (Wanted.OFFLINE, "agent-logged-out"),
    "*24": (Wanted.PAUSED, "agent-paused"),
    "*25": (Wanted.AVAILABLE, "agent-resumed"),
}
"""Feature codes of agents' phones: what the agent wants to be, and what they hear."""

COMFORT = "wait-still-in-line"
COMFORT_TICKS = 3
"""A waiting caller hears that they are still in line each so many intervals."""


class Reception:
    """Answers the PBX's questions.

    `announces`: who waits is told how long it may take. `entry_points` maps a dialled number to a
    flow's alias; `kept` waits until what was noted is written.
    """

    def __init__(
        self,
        floor: Floor,
        ledger: Ledger,
        library: Library,
        prompts: PromptStore,
        clock: Clock,
        *,
        roster: Roster,
        entry_points: Mapping[str, str],
        region: str,
        language: str,
        kept: Callable[[], Awaitable[None]],
        services: Services,
        notebook: Notebook,
        handing: Handing,
        personal: Personal,
        announces: bool,
    ) -> None:
        self._announces = announces
        self._asked: dict[str, frozenset[str]] = {}
        """By flow version, what it goes by: no caller waits for what their flow does not ask."""
        self._handing = handing
        self._personal = personal
        self._services = services
        self._region = region
        self._notebook = notebook
        self._floor = floor
        self._ledger = ledger
        self._library = library
        self._prompts = prompts
        self._clock = clock
        self._roster = roster
        self._entry_points = entry_points
        self._language = language
        self._kept = kept
        behind = Behind(library, ledger.way)
        self._callbacks = Speaking(floor.callbacks, prompts, clock, language, behind.facts)
        self._errands = Errands(floor, self._pinned, services.callbacks, region)

    def configure(self, roster: Roster, entry_points: Mapping[str, str]) -> None:
        """Take a new configuration; it holds from the next call."""
        self._roster = self._handing.roster = roster
        self._entry_points = entry_points

    # --- pbx.port.Handler -------------------------------------------------------------------

    async def incoming(self, call: Call) -> None:
        """Take a new call into the flow of its number, or one of ours back to its node."""
        if SECOND in call.carried:  # its handover is over, or died with the last process
            await call.hang_up()
            return
        own = call.address is not None and call.dialled not in self._entry_points
        if own and await self._handing.second(call):
            return
        contact = self._known(call)
        if contact is not None:
            self._floor.in_flow(contact)
        found = await self._pinned(call, contact) if contact is not None else None
        if contact is not None and found is not None:
            session, node = found
            self._ledger.in_flow(contact.interaction, self._clock.now())
            await session.run(node)
            self._settle(call, contact)
            return
        flow_now = self._flow_of(call.dialled)
        if flow_now is None:
            log.info("number leads nowhere", extra={"action": "number_unknown", "call": call.id})
            await call.hang_up(Cause.UNALLOCATED)
            return
        if contact is None:
            contact = self._opened(call, flow_now)
            await call.carry({"interaction": contact.interaction})
        self._ledger.in_flow(contact.interaction, self._clock.now())
        await (await self._session(flow_now, call, contact)).run()
        self._settle(call, contact)

    async def waiting(self, call: Call, key: str | None) -> None:
        """Do what there is for who waits; say now and then that they are still in line."""
        contact = self._floor.contact_of(call.id)
        if contact is None and SECOND in call.carried:
            if not self._floor.handovers.knows_second(call.id):
                await call.hang_up()
            return
        if contact is None:
            contact = self._known(call)
            if contact is not None and contact.in_line:
                self._floor.rejoin(contact)
            return
        moved = False
        if not contact.errand and contact.in_line:
            moved = await self._wait_on(call, contact, key)
        if not moved:
            await self._errands.run(call, contact)
        self._settle(call, contact)

    async def _wait_on(self, call: Call, contact: Contact, key: str | None) -> bool:
        """Heed a key or an interval of who waits; return whether they left the line."""
        called = CALLBACK in call.carried  # who is called back is offered nothing, and stays
        if key is None:
            if not called:
                self._offer_over(contact)
            contact.ticks += 1
            if contact.errand or contact.ticks % COMFORT_TICKS:
                return False
        found = None if called else await self._pinned(call, contact)
        if found is None:
            if key is None:
                language = state.language(call.carried) or self._language
                await call.play([self._prompts.audio(COMFORT, language)])
            return False
        session, node = found
        if key is None:
            more = self._floor.wait_prompts(contact) if self._announces else ()
            key = await session.comfort(node, COMFORT, more)
            if not key or contact.errand or not contact.in_line:
                return False
        if await session.key(node, key):
            return True
        policy = self._roster.callbacks.get(contact.queue)
        contact.errand.wants_callback = policy is not None and policy.key == key
        return False

    def _offer_over(self, contact: Contact) -> None:
        """Have who is expected to wait too long asked, once, whether to call them back."""
        policy = self._roster.callbacks.get(contact.queue)
        if policy is not None and policy.offer_over_ms is not None and not contact.offered:
            contact.errand.callback |= policy.offers(self._floor.expected(contact))

    async def feature(self, call: Call, code: str) -> None:
        """Log an agent in or out, pause or resume, by their phone; or promise their own call."""
        agent = self._roster.agent_at(call.address or "")
        if agent is not None:
            self._floor.on_the_phone(agent, call.id)
        try:
            if agent is not None and code == CODE:
                await self._personal.promised(call, agent)
            else:
                await self._wants(call, agent, code)
        finally:
            if agent is not None:
                self._floor.off_the_phone(agent, call.id)

    async def _wants(self, call: Call, agent: str | None, code: str) -> None:
        known = FEATURES.get(code)
        if agent is None or known is None:
            said = "agent-not-allowed" if agent is None else "agent-failed"
        else:
            wanted, said = known
            self._floor.agent_wants(agent, wanted)
            await self._kept()
            log.info(
                "agent wants",
                extra={"action": "agent_wants", "agent": agent, "wanted": wanted.value},
            )
        await call.answer()
        try:
            await call.play([self._prompts.audio(said, self._language)])
        except PromptMissing as missing:
            log.error("%s", missing, extra={"action": "prompt_missing"})  # noqa: TRY400
        await call.hang_up()

    async def after(self, call: Call) -> None:
        """Go on with the flow behind the queue, now that the agent has hung up."""
        contact = self._known(call)
        if contact is not None:
            self._floor.in_flow(contact)
        found = await self._pinned(call, contact) if contact is not None else None
        if contact is None or found is None:
            await call.hang_up()
            return
        session, node = found
        self._ledger.in_flow(contact.interaction, self._clock.now())
        await session.after(node)
        self._settle(call, contact)

    async def reserved(self, call: Call, offer: str) -> None:
        """Tell an agent whom they are held for."""
        await self._callbacks.reserved(call, offer)

    async def called(self, call: Call, machine: bool) -> None:
        """Speak with a customer who is called back."""
        await self._callbacks.called(call, machine)

    async def referred(self, call: Call, to: str) -> None:
        """Send a caller on, as their agent's phone asks."""
        await self._handing.referred(call, self._floor.contact_of(call.id), to)

    def event(self, event: SwitchEvent) -> None:
        """Pass on what happened to the floor."""
        self._floor.event(event)
        if isinstance(event, SwitchBack | SwitchLost):
            log.info("switch", extra={"action": "switch", "event": type(event).__name__})

    # --- ivr.partners.Floor -----------------------------------------------------------------

    def arrive(self, call: Call, interaction: str, place: Place) -> Mapping[str, str]:
        """Take the call into the queue and begin to offer it."""
        contact = self._floor.contact_of(call.id)
        if contact is None or contact.interaction != interaction:
            raise QueueRefused("the call is not known to the floor")
        try:
            carried = self._floor.arrive(contact, arrival(contact, place))
        except KeyError:
            raise QueueRefused(f"there is no queue {place.queue}") from None
        if reason := self._floor.exit(contact):
            raise QueueRefused(f"queue {place.queue} takes nobody: {reason}", reason)
        return carried

    def leave(self, call: Call, interaction: str) -> bool:
        """Take a waiting call out of its queue; False if an agent has answered."""
        contact = self._floor.contact_of(call.id)
        return contact is not None and self._floor.leave(contact)

    def gone(self, call: Call, interaction: str) -> None:
        """The call left the flow before it could wait: the switch tells how."""

    # --- ivr.partners.Record ----------------------------------------------------------------

    def ivr_entered(self, interaction: str, version: str, node: str) -> None:
        """The caller came to a node."""
        self._notebook.entered(interaction, version, node)
        log.debug(
            "node",
            extra={"action": "ivr_node", "interaction": interaction, "flow": version, "node": node},
        )

    def ivr_left(self, interaction: str, node: str, why: Left) -> None:
        """The caller left the flow; their hang-up itself is told by the switch, if it is there."""
        if why is Left.CALLER_GONE and not self._floor.switch_up:
            contact = self._floor.contact(interaction)
            if contact is not None:
                self._floor.event(CallEnded(contact.call, Cause.NORMAL))
        log.debug(
            "flow left",
            extra={"action": "ivr_left", "interaction": interaction, "node": node, "why": why},
        )

    # --- how it is done ---------------------------------------------------------------------

    def _flow_of(self, dialled: str) -> Flow | None:
        alias = self._entry_points.get(dialled)
        if alias is None:
            return None
        try:
            return self._library.current(alias)
        except FlowUnknown as unknown:
            log.error("%s", unknown, extra={"action": "flow_unknown"})  # noqa: TRY400
            return None

    def _settle(self, call: Call, contact: Contact) -> None:
        """Tell the floor that a call waits, if that is where its flow led."""
        if contact.in_line and self._floor.contact_of(call.id) is contact:
            self._floor.settled(contact, call.carried)

    async def _pinned(self, call: Call, contact: Contact) -> tuple[Session, str] | None:
        """A session of the flow that a call carries, and its node; None if it carries none."""
        pinned = self._library.pinned(call.carried)
        return (
            None if pinned is None else (await self._session(pinned[0], call, contact), pinned[1])
        )

    async def _session(self, flow: Flow, call: Call, contact: Contact) -> Session:
        self._ledger.flow(contact.interaction, flow.alias, flow.version)
        world = self._library.world(flow)
        asks = self._asks(flow, world)
        facts = await self._facts(asks, call, contact)
        await self._stand(asks, call, contact)
        return Session(
            flow,
            call,
            self._prompts,
            self,
            self,
            interaction=contact.interaction,
            facts=facts,
            world=world,
            services=self._services,
            clock=self._clock.now,
        )

    def _asks(self, flow: Flow, world: World) -> frozenset[str]:
        if flow.version not in self._asked:
            below = [document for alias in flow.uses if (document := world.flow(alias))]
            self._asked[flow.version] = asked([flow.document, *below])
        return self._asked[flow.version]

    async def _facts(self, asks: frozenset[str], call: Call, contact: Contact) -> Facts:
        record = not asks.isdisjoint({"customer", "caller.known"})
        number = call.caller.number if record or "caller.number" in asks else None
        e164 = phone(number, self._region) if number and call.address is None else None
        if record and e164 is not None:
            return await self._notebook.facts(contact.interaction, e164, call.dialled)
        return Facts(e164 or "", call.dialled)

    async def _stand(self, asks: frozenset[str], call: Call, contact: Contact) -> None:
        """Find out how a caller stands with us, if a queue goes by it."""
        wanted = LAST_AGENT in asks
        number = call.caller.number if wanted or self._roster.asks_tier else None
        e164 = phone(number, self._region) if number and call.address is None else None
        if e164 is not None and contact.arrival is None:
            standing = await self._notebook.standing(contact.interaction, e164, last_agent=wanted)
            contact.tier, contact.last_agent = standing.tier, standing.last_agent

    def _known(self, call: Call) -> Contact | None:
        """The contact of a call that was here before, by our memory or by what it carries."""
        contact = self._floor.contact_of(call.id)
        interaction = call.carried.get("interaction")
        if contact is not None or not interaction:
            return contact
        contact = Contact(
            interaction,
            call.id,
            whom(call.carried) or call.caller,
            call.dialled,
            call.address is not None,
            carry=dict(call.carried),
            arrival=self._floor.recall(interaction, call.carried),
        )
        self._floor.opened(contact)
        return contact

    def _opened(self, call: Call, flow: Flow) -> Contact:
        contact = Contact(
            str(uuid6.uuid7()), call.id, call.caller, call.dialled, call.address is not None
        )
        contact.carry.update(flow=flow.alias, version=flow.version)
        self._ledger.opened(contact, self._clock.now())
        self._floor.opened(contact)
        return contact
