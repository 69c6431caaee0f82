"""Which targets may answer a call, in what order, at what rates, and why (ADR 0028)."""

from gateway.routing.candidate import Candidate
from gateway.routing.plan import Plan, candidates, plan

__all__ = ["Candidate", "Plan", "candidates", "plan"]
