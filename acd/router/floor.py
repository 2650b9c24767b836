"""The floor: every agent, queue, interaction and timer, and how a configuration lays them out."""

from __future__ import annotations

from .agent import Agent, Blocks
from .configuration import Channel, Configuration, QueueConfig
from .events import Arrived, Presence
from .interaction import Interaction, InteractionState
from .line import Line
from .queue import Queue
from .ranked import Ranked
from .recipes import Staffing
from .selection import POLICIES
from .supply import BITS, CHANNELS, INDEX, Supply


class Floor:
    """State and its bookkeeping; `router.Router` and its parts say what happens when.

    Invariants: an agent's `open` is what `Agent.opening` says, and one who is open stands in the
    pools of their lines or, until the next match, in `fresh`; an interaction is in its queue and
    line until answered, in `Line.offerable` exactly while WAITING; agents and interactions stand
    in `timers` and `due` exactly if something of theirs ends by itself.
    """

    __slots__ = ("_sequence", "agents", "altered", "blocks", "config", "dirty", "due",
        "fresh",
        "interactions",
                 "offers", "ordered", "queues", "review", "supply", "timers", "touched",
                 "unstaffed")  # fmt: skip

    def __init__(self, config: Configuration) -> None:
        self.config = config
        self.blocks: Blocks = (0,) * len(CHANNELS)
        self.agents: dict[str, Agent] = {}
        self.ordered: list[Agent] = []
        """Those configured, by their order."""
        self.supply = Supply(config)
        self.queues: dict[str, Queue] = {}
        self.interactions: dict[str, Interaction] = {}
        self.offers: dict[str, Interaction] = {}
        """Offers that ring, or were accepted and whose contact lasts."""
        self.timers: Ranked[tuple[int, int]] = Ranked()
        """Agents of whom something ends by itself, by (when, order)."""
        self.due: Ranked[tuple[int, int]] = Ranked()
        """Interactions whose step ends or recipe comes due, by (when, sequence)."""
        self.dirty: dict[Line, None] = {}
        """Lines for which a match may have become possible since the last decision."""
        self.fresh: dict[Agent, None] = {}
        """Agents who became open, or rank anew, since then."""
        self.review: dict[Interaction, None] = {}
        """Those whose recipes are to be looked at after the next match."""
        self.touched: dict[Queue, None] = {}
        """Queues whose places or length changed since recipes were looked at."""
        self.unstaffed: dict[Line, None] = {}
        """Lines of whose eligible agents somebody went."""
        self.altered: dict[Interaction, None] = {}
        """Those of whom a recipe, a skipped step or an overflow changed what they are, in the last
        decision."""
        self._sequence = 0
        self.configure(config, 0)

    # --- configuration -----------------------------------------------------------------------

    def configure(self, config: Configuration, now: int) -> list[Agent]:
        """Lay the floor out anew and return the agents who are in it no more.

        They have no configuration from here on and stay known until `forget_agent`. Who waits is
        without a line until `seat`. The configuration must have passed `check.check`.
        """
        self.config = config
        blocks = dict(config.blocks)
        self.blocks = tuple(
            sum(BITS[other] for other in set(blocks.get(channel, ()))) for channel in CHANNELS
        )
        self._configure_queues(config)
        gone = {a.id: a for a in sorted(self.agents.values(), key=lambda a: a.order)}
        self.supply = Supply(config)
        self.ordered = []
        for order, one in enumerate(config.agents):
            agent = gone.pop(one.agent, None)
            if agent is None:
                agent = self.agents[one.agent] = Agent(one.agent, order, one, now)
            agent.order, agent.config = order, one
            ranks = zip(one.queues, one.ranks, strict=False)
            agent.ranks = {queue: rank for queue, rank in ranks if rank != 1}
            agent.skills = dict(one.skills)
            self.ordered.append(agent)
        for order, agent in enumerate(gone.values(), len(config.agents)):
            agent.order, agent.config = order, None
        for agent in self.agents.values():
            agent.open, agent.standing, agent.lines = 0, (), {}
            agent.there = (False, False)
            agent.limits_from(config.capacity)
            agent.take_stock(self.blocks)
            self.refresh(agent)
            self.time(agent)
        return list(gone.values())

    def _configure_queues(self, config: Configuration) -> None:
        names = {queue.name for queue in config.queues}
        for name, queue in list(self.queues.items()):
            if name not in names:
                queue.closed = None
                queue.configure(queue.last_known(), configured=False)
                self.drop_if_unused(queue)
        for one in config.queues:
            known = self.queues.get(one.name)
            if known is None:
                self.queues[one.name] = Queue(one, configured=True)
            else:
                known.configure(one, configured=True)
        alone = {name: self.queues[name] for name in self.queues}
        for selection in config.selections:
            members = tuple(self.queues[name] for name in selection.queues)
            policy = POLICIES[selection.policy](members, dict(selection.weights))
            for queue in members:
                queue.policy = policy
                del alone[queue.config.name]
        rest = tuple(alone.values())
        plain = POLICIES["priority"](rest, {})
        for queue in rest:
            queue.policy = plain
        self.dirty, self.unstaffed, self.fresh = {}, {}, {}

    def drop_if_unused(self, queue: Queue) -> None:
        """Forget a queue that is not configured and that nobody needs."""
        if not queue.configured and not queue.live:
            self.queues.pop(queue.config.name, None)
            self.touched.pop(queue, None)
            for line in queue.lines.values():
                self.dirty.pop(line, None)
                self.unstaffed.pop(line, None)

    # --- agents ------------------------------------------------------------------------------

    def guest(self, agent: str, now: int) -> Agent:
        """Make up an agent who is not configured but talks: they must be known until done."""
        new = self.agents[agent] = Agent(agent, len(self.agents), None, now)
        new.limits_from(self.config.capacity)
        new.take_stock(self.blocks)
        return new

    def refresh(self, agent: Agent) -> None:
        """Bring the sets and pools up to what the agent now is."""
        if agent.config is None:
            agent.open = 0
            return
        presence = agent.presence
        here = presence is not Presence.OFFLINE
        active = here and presence is not Presence.PAUSED and agent.registered and not agent.lost
        if (here, active) != agent.there:
            self._staff(agent, here, active)
        opening = agent.opening
        standing = (opening, agent.in_hand, agent.idle_since, agent.contacts_today,
                    agent.busy_today, agent.offered_at)  # fmt: skip
        if standing == agent.standing:
            return
        changed = opening ^ agent.open
        if changed:
            bit = 1 << agent.order
            for n in range(len(CHANNELS)):
                if changed >> n & 1:
                    self.supply.free[n] ^= bit
        agent.open, agent.standing = opening, standing
        agent.stamp += 1
        agent.pooled = False
        if opening:
            self.fresh[agent] = None
        else:
            self.fresh.pop(agent, None)

    def pool(self, agent: Agent) -> None:
        """Let a fresh agent stand in the pools of their lines."""
        agent.pooled = True
        for line in agent.lines:
            if line.bit & agent.open:
                line.freed(agent)

    def _staff(self, agent: Agent, here: bool, active: bool) -> None:
        """Count an agent as logged in and active, or not; who watches for it is told."""
        bit, supply = 1 << agent.order, self.supply
        went = (here, active) < agent.there
        agent.there = (here, active)
        supply.logged_in = supply.logged_in | bit if here else supply.logged_in & ~bit
        supply.active = supply.active | bit if active else supply.active & ~bit
        if went and agent.config is not None:
            self.unstaffed.update((line, None) for line in agent.lines if line.watched)
            for name in agent.config.queues:
                queue = self.queues[name]
                if queue.watches_members:
                    queue.members_went = True
                    self.touched[queue] = None

    def time(self, agent: Agent) -> None:
        """Set the agent's timer to the first of what ends by itself."""
        due = agent.due()
        if due is not None:
            self.timers.put(agent.id, (due, agent.order))
            agent.timed = True
        elif agent.timed:
            self.timers.remove(agent.id)
            agent.timed = False

    def load(self, agent: Agent, channel: Channel, by: int, at: int) -> None:
        """Take (1) or give back (-1) a place of the agent's capacity, and count occupied time."""
        agent.load[INDEX[channel]] += by
        agent.take_stock(self.blocks)
        if agent.busy_from is None:
            agent.busy_from = at
        elif not agent.in_hand:
            agent.busy_today += max(at - agent.busy_from, 0)
            agent.busy_from = None

    def forget_agent(self, agent: Agent) -> None:
        """Drop an agent who is not configured and has nothing in hand."""
        self.timers.remove(agent.id)
        self.fresh.pop(agent, None)
        del self.agents[agent.id]

    # --- interactions ------------------------------------------------------------------------

    def arrive(self, event: Arrived, now: int) -> Interaction:
        """Make an interaction known and let it wait, though its queue be unknown; `seat` it."""
        queue = self.queue(event.queue)
        self._sequence += 1
        began = event.began
        if began is None:
            began = event.entered if event.rejoins else now
        tier = queue.tiers.get(event.tier, 0)
        priority = event.priority + tier
        entry = (event.entered - priority, event.entered, self._sequence, event.interaction)
        new = Interaction(
            event.interaction, queue, entry, priority, event.channel, began, event.criteria,
            event.steps, event.dropped, tier=event.tier, tier_ms=tier,
        )  # fmt: skip
        if event.done:
            new.cooked = {(one.queue, one.recipe): one.at for one in event.done}
        self.interactions[new.id] = new
        self._join(new, queue)
        return new

    def queue(self, name: str) -> Queue:
        """Return a queue; one that is not configured is made up for those who ask for it."""
        queue = self.queues.get(name)
        if queue is None:
            queue = self.queues[name] = Queue(QueueConfig(name), configured=False)
            queue.policy = POLICIES["priority"]((queue,), {})
        return queue

    def _join(self, one: Interaction, queue: Queue) -> None:
        queue.live += 1
        queue.waiting += 1
        queue.unanswered.add(one.entry)
        if queue.watches_places:
            queue.joins += 1
            self.touched[queue] = None

    def seat(self, one: Interaction) -> None:
        """Put an unanswered interaction into the line that its step asks for."""
        queue = one.queue
        line = queue.line(one, self.supply, self.ordered)
        if line is one.line:
            return
        if one.line is not None:
            self._leave_line(one)
        one.line = line
        queue.enters(line)
        line.entries.add(one.entry)
        if one.state is InteractionState.WAITING:
            line.offerable.put(one.id, one.entry)
            if line.watched:
                self.review[one] = None
        else:
            self._count_rings(one)
        self.dirty[line] = None

    def _leave_line(self, one: Interaction) -> None:
        one.line.offerable.remove(one.id)
        one.line.thin.remove(one.id)
        one.line.entries.remove(one.entry)
        one.queue.quits(one.line, self.ordered)

    def _count_rings(self, one: Interaction) -> None:
        most = one.queue.config.ring_at_once
        if one.offers and len(one.offers) < most:
            one.line.thin.put(one.id, one.entry)
        elif most > 1:
            one.line.thin.remove(one.id)

    def ring(self, one: Interaction, agent: Agent, offer: str, now: int) -> None:
        """Tie an unanswered interaction to an agent who rings for it."""
        if one.state is InteractionState.WAITING:
            one.state = InteractionState.RINGING
            one.line.offerable.remove(one.id)
            one.queue.waiting -= 1
        if one.offers is None:
            one.offers = {}
        one.offers[offer] = agent
        one.offered = now
        agent.ringing[offer] = one
        self.offers[offer] = one
        self._count_rings(one)
        self.load(agent, one.channel, 1, now)

    def unring(self, one: Interaction, offer: str, now: int) -> Agent:
        """Untie a ringing agent; without any left, the interaction waits on at its place."""
        assert one.offers is not None
        agent = one.offers.pop(offer)
        del agent.ringing[offer], self.offers[offer]
        self.load(agent, one.channel, -1, now)
        if one.offers:
            self._count_rings(one)
        else:
            one.state = InteractionState.WAITING
            one.queue.waiting += 1
            one.line.thin.remove(one.id)
            one.line.offerable.put(one.id, one.entry)
            if one.line.watched:
                self.review[one] = None
        self.dirty[one.line] = None
        return agent

    def answer(self, one: Interaction, offer: str) -> Agent:
        """Give a ringing interaction to the agent who took this offer, the only one left."""
        assert one.offers is not None
        agent = one.offers.pop(offer)
        del agent.ringing[offer]
        self._leave_line(one)
        self._leave_queue(one)
        self.due.remove(one.id)
        self.review.pop(one, None)
        one.state, one.agent, one.offer = InteractionState.ON_CONTACT, agent, offer
        agent.contacts[one.id] = one
        return agent

    def _leave_queue(self, one: Interaction) -> None:
        queue = one.queue
        queue.unanswered.remove(one.entry)
        if queue.watches_places:
            queue.leaves += 1
            self.touched[queue] = None
        if one.state is InteractionState.WAITING:
            queue.waiting -= 1

    def move(self, one: Interaction, to: Queue) -> None:
        """Let a waiting interaction wait in another queue, with the same entry time; `seat` it."""
        old = one.queue
        self.altered[one] = None
        if one.line is not None:
            self._leave_line(one)
        self._leave_queue(one)
        old.live -= 1
        self.drop_if_unused(old)
        one.line = None  # type: ignore[assignment]  # seated by the caller
        one.queue = to
        tier = to.tiers.get(one.tier, 0)
        one.priority += tier - one.tier_ms
        one.tier_ms = tier
        one.entry = (one.entered - one.priority, *one.entry[1:])
        self._join(one, to)

    def prioritise(self, one: Interaction, by: int) -> None:
        """Move a waiting interaction forward (or back) in its queue by a head start."""
        one.queue.unanswered.remove(one.entry)
        one.line.entries.remove(one.entry)
        one.priority += by
        one.entry = (one.entered - one.priority, *one.entry[1:])
        one.queue.unanswered.add(one.entry)
        one.line.entries.add(one.entry)
        if one.queue.watches_places:
            one.queue.joins += 1
            one.queue.leaves += 1
            self.touched[one.queue] = None
        one.line.offerable.put(one.id, one.entry)
        self.dirty[one.line] = None

    def forget(self, one: Interaction) -> None:
        """Drop an interaction that rings nowhere: it has left, or its contact has ended."""
        if one.state is InteractionState.ON_CONTACT:
            if one.agent is not None:
                one.agent.contacts.pop(one.id, None)
            self.offers.pop(one.offer, None)
        else:
            if one.line is not None:
                self._leave_line(one)
            self._leave_queue(one)
            self.due.remove(one.id)
            self.review.pop(one, None)
        del self.interactions[one.id]
        one.queue.live -= 1
        self.drop_if_unused(one.queue)

    def there(self, one: Interaction, number: int, staffing: Staffing) -> bool:
        """Whether somebody whom a step asks for is there."""
        asked = self.supply.of(one.queue.alternative(one, number))
        return self.supply.there(asked, staffing, one.channel)
