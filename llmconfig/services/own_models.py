"""Personal models: a consumer's, over provider keys of their own. Their calls cost no credits."""

from collections.abc import Iterable

from llmconfig.models import LLMModel
from llmconfig.services import catalog
from llmconfig.services.catalog import Values
from opscenter.core.errors import Conflict
from opscenter.core.models import User
from opscenter.core.tiers import Tier

MOST = 100
"""Of one owner: every worker keeps all of them in memory."""


def create(*, owner: User, values: Values, deployments: Iterable[Values]) -> LLMModel:
    """`deployments` are on keys of `owner`. Raises Conflict, Unprocessable, ValidationError."""
    if LLMModel.objects.filter(owner=owner).count() >= MOST:
        raise Conflict(f"You have {MOST} models already, and nobody may have more.", code="too_many_models")
    # One's own key reaches models of every tier.
    fields = {**values, "owner": owner, "tier": Tier.FREE}
    return catalog.create_model(values=fields, deployments=deployments)
