"""The router: who is offered what, and when. Pure: events and the time in, decisions out."""

from .errors import ConfigError, CriteriaError, JournalError, RouterError
from .interaction import InteractionState, StepStatus
from .router import Router
from .views import AgentView, InteractionView, OfferView, StepView, Stranded

__all__ = [
    "AgentView",
    "ConfigError",
    "CriteriaError",
    "InteractionState",
    "InteractionView",
    "JournalError",
    "OfferView",
    "Router",
    "RouterError",
    "StepStatus",
    "StepView",
    "Stranded",
]
