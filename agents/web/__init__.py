"""How agents ask the network: see `agents.web.client.Web`."""

from agents.base import Refused
from agents.rates import Limit
from agents.web.client import Web
from agents.web.reach import Reach
from agents.web.refusals import Declined, Forbidden, Unanswered, Unusable, shown
from agents.web.reply import Reply, Validators
from agents.web.traffic import Traffic

__all__ = [
    "Declined",
    "Forbidden",
    "Limit",
    "Reach",
    "Refused",
    "Reply",
    "Traffic",
    "Unanswered",
    "Unusable",
    "Validators",
    "Web",
    "shown",
]
