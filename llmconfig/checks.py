"""What can be checked about this app's settings before anything starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from llmconfig.models import Deployment
from llmconfig.providers import is_known
from opscenter.core.outbound import OutboundRefused, Policy, check_base_url


@register
def transport_is_known(**kwargs: Any) -> list[CheckMessage]:
    known = Deployment.Transport.values
    if settings.DEFAULT_TRANSPORT in known:
        return []
    return [
        Error(
            f"DEFAULT_TRANSPORT is {settings.DEFAULT_TRANSPORT!r}.",
            hint=f"Set it to one of: {', '.join(known)}.",
            id="llm.E001",
        )
    ]


@register
def provider_api_bases_are_usable(**kwargs: Any) -> list[CheckMessage]:
    bases: object = settings.PROVIDER_API_BASES
    hint = 'Set PROVIDER_API_BASES to JSON such as {"openai": "https://proxy.example/v1"}, or leave it out.'
    if not isinstance(bases, dict):
        return [Error("PROVIDER_API_BASES is no JSON object.", hint=hint, id="llm.E002")]
    problems = {slug: _problem(slug, base) for slug, base in bases.items()}
    return [
        Error(f"PROVIDER_API_BASES, {slug}: {problem}.", hint=hint, id="llm.E002")
        for slug, problem in problems.items()
        if problem
    ]


def _problem(slug: str, base: object) -> str:
    if not is_known(slug):
        return "no provider of that name is known"
    policy = Policy.PRIVATE_ALLOWED if settings.ALLOW_PRIVATE_AI_SERVERS else Policy.PUBLIC
    try:
        check_base_url(str(base), policy)
    except OutboundRefused as error:
        return str(error)
    return ""
