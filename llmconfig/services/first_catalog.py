"""Filling the catalog of a fresh installation, once: the models of starting_catalog with what they are deployed on.

The rows of keys have no key yet, and the servers are disabled, until somebody stores one or names their host.
"""

from dataclasses import replace

from django.core.exceptions import ValidationError
from django.db import transaction

from llmconfig import starting_catalog
from llmconfig.models import AIServer, LLMModel, Price, ProviderKey
from llmconfig.services import importing, platform_keys, servers, take_over
from llmconfig.services.importing import Plan
from opscenter.core import audit


def fill() -> bool:
    """Whether it was filled: not where there is, or was, any model, server or platform key.

    The once that it is filled is one transaction, lest a start that dies leaves half of it for good.
    """
    if not _is_fresh():
        return False
    with audit.writing():
        if not _is_fresh():
            return False
        for provider in starting_catalog.by_provider():
            if plan := missing_from(provider):
                importing.apply(plan)
    return True


def _is_fresh() -> bool:
    tables = (LLMModel.objects, Price.objects, AIServer.objects, ProviderKey.objects.platform())
    return not any(rows.exists() for rows in tables)


def missing_from(provider: str) -> Plan | None:
    """What of the starting catalog is missing of `provider`, a slug or a type of AI server; makes where it belongs.

    None where such a server may not be: its address is private.
    """
    place = _server(provider) if provider in AIServer.ServerType.values else platform_keys.reserve(provider)
    if place is None:
        return None
    whole = importing.plan(starting_catalog.by_provider()[provider], onto=place)
    return replace(whole, steps=tuple(step for step in whole.steps if step.is_new_model))


def _server(server_type: str) -> AIServer | None:
    server = take_over.default_server(server_type)
    if server is not None:
        return server
    url = take_over.url_of("127.0.0.1", server_type)
    try:
        with transaction.atomic():
            return servers.create(fields=take_over.server_fields(server_type, url, enabled=False))
    except ValidationError:
        return None
