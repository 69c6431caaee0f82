"""Keys, what was done with them, and workflows."""

from gateway.models.former_secret import FormerSecret
from gateway.models.idempotent_call import IdempotentCall
from gateway.models.margin_stat import MarginStat
from gateway.models.pruned_month import PrunedMonth
from gateway.models.request import AttemptRow, RequestRow
from gateway.models.usage_stat import UsageStat
from gateway.models.virtual_key import VirtualKey
from gateway.models.workflow import Workflow
from gateway.models.workflow_step import WorkflowStep

__all__ = [
    "AttemptRow",
    "FormerSecret",
    "IdempotentCall",
    "MarginStat",
    "PrunedMonth",
    "RequestRow",
    "UsageStat",
    "VirtualKey",
    "Workflow",
    "WorkflowStep",
]
