"""What can be checked about this app's settings before anything starts."""

import shlex
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from llmconfig.models import Deployment
from llmconfig.providers import is_known
from llmconfig.proxy import master_key
from llmconfig.proxy.modes import API, MODES, OFF
from opscenter.core.outbound import OutboundRefused, Policy, check_base_url
from opscenter.core.placeholders import is_placeholder


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


@register
def proxy_sync_is_possible(**kwargs: Any) -> list[CheckMessage]:
    mode, key = settings.LITELLM_SYNC_MODE, settings.LITELLM_MASTER_KEY
    if mode not in (OFF, *MODES):
        return [
            Error(f"LITELLM_SYNC_MODE is {mode!r}.", hint=f"Set it to one of: off, {', '.join(MODES)}.", id="llm.E003")
        ]
    if mode == API and not (settings.LITELLM_PROXY_URL and key):
        hint = "Set both, or LITELLM_SYNC_MODE to file."
        return [
            Error(
                "LITELLM_SYNC_MODE is api without LITELLM_PROXY_URL and LITELLM_MASTER_KEY.", hint=hint, id="llm.E003"
            )
        ]
    if not _can_be_split(settings.LITELLM_RELOAD_COMMAND):
        hint = "It is split into words as a shell does it, and run without one."
        return [Error("LITELLM_RELOAD_COMMAND has a quote without its end.", hint=hint, id="llm.E003")]
    if key and not key.startswith("sk-"):
        hint = "The proxy takes no other; `manage.py generate_master_key` makes one."
        return [Error("LITELLM_MASTER_KEY does not begin with sk-.", hint=hint, id="llm.E003")]
    return []


def _can_be_split(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


@register
def secrets_are_no_placeholders(**kwargs: Any) -> list[CheckMessage]:
    names = ("LITELLM_MASTER_KEY", "LITELLM_API_KEY", "LITELLM_EVAL_KEY")
    named = [(name, getattr(settings, name)) for name in names]
    named += [("BYOK_ENCRYPTION_KEY", key) for key in settings.BYOK_ENCRYPTION_KEY.split(",")]
    return [
        Error(
            f"{name} is a placeholder, known to everybody who reads documentation.",
            hint="Make one of random characters: docs/proxy-sync.md and .env.example say how.",
            id="llm.E004",
        )
        for name, secret in named
        if is_placeholder(secret)
    ]


@register(deploy=True)
def master_key_is_the_proxys(**kwargs: Any) -> list[CheckMessage]:
    """`serve` and `worker` ask too; other commands must not wait for a proxy."""
    problem = master_key.problem()
    return [Error(problem, hint="docs/proxy-sync.md", id="llm.E005")] if problem else []
