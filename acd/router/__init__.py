"""The router: who is offered what, and when. Pure: events and the time in, decisions out."""

from .errors import ConfigError, JournalError, RouterError
from .interaction import InteractionState
from .router import Router
from .views import AgentView, InteractionView, OfferView, Stranded

__all__ = [
    "AgentView",
    "ConfigError",
    "InteractionState",
    "InteractionView",
    "JournalError",
    "OfferView",
    "Router",
    "RouterError",
    "Stranded",
]
