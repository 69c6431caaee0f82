"""Which providers cost the operator money."""

from django.db.models import Exists, OuterRef, Q

from llmconfig.models import Deployment, Price
from llmconfig.models.price import RATES
from llmconfig.upstreams import LOCAL


def costly_providers() -> set[str]:
    """Providers with an enabled deployment of the platform's whose current price is above zero. One query."""
    enabled = Deployment.objects.enabled().platform().placed()
    on_keys = enabled.filter(_costs()).values_list("key__provider", flat=True).distinct().order_by()
    return {provider or LOCAL for provider in on_keys}


def _costs() -> Q:
    """A deployment's own price goes before its model's."""
    of_model = Price.objects.current().filter(model_id=OuterRef("model_id"), deployment__isnull=True)
    own = Price.objects.current().filter(deployment_id=OuterRef("pk"))
    above_zero = Q(*((f"{rate}__gt", 0) for rate in RATES), _connector=Q.OR)
    return Q(Exists(own.filter(above_zero))) | Q(~Q(Exists(own)), Exists(of_model.filter(above_zero)))
