"""Tells people what they should know: rows written with what happened, delivered by the worker, each once.

news (what is told) -> queue (whom) -> delivery (when, and when again) -> mail, webhook (how).
"""

from opscenter.core.alerts.news import News
from opscenter.core.alerts.queue import outcomes, tell, tell_operators, withdraw

__all__ = ["News", "outcomes", "tell", "tell_operators", "withdraw"]
