"""The two files that a LiteLLM proxy is started with: config.yaml, and the environment with the keys that it names.

A revision of both is in the environment, and the proxy shows it with each model: so it tells what it runs with.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.conf import settings

from llmconfig.proxy.desired import Desired, Entry, fingerprint

REVISION = "opscenter_revision"
_REVISION_VARIABLE = "OPSCENTER_REVISION"
_NOTE = "# Written by Ops-Center, which overwrites whatever is changed here.\n"


@dataclass(frozen=True, slots=True)
class Documents:
    """`environment` holds the keys, one NAME=VALUE a line, quoted where a shell wants it."""

    revision: str
    config: str
    environment: str = field(repr=False)


def render(desired: Desired) -> Documents:
    config = yaml.safe_dump(configuration(desired), sort_keys=False, allow_unicode=True, width=120)
    keys = {one.variable: one.value for one in desired.credentials.values()}
    revision = fingerprint(config, keys)
    lines = (f"{name}={shlex.quote(value)}\n" for name, value in ({_REVISION_VARIABLE: revision} | keys).items())
    return Documents(revision=revision, config=_NOTE + config, environment=_NOTE + "".join(lines))


def configuration(desired: Desired) -> dict[str, Any]:
    """config.yaml's content: no key is in it, master key and database are the proxy's own."""
    return {
        "model_list": [_model(entry) for entry in desired.entries],
        "litellm_settings": {
            "num_retries": settings.LITELLM_NUM_RETRIES,
            "request_timeout": settings.REQUEST_TIMEOUT_S,
            "callbacks": list(settings.LITELLM_CALLBACKS),
        },
        "router_settings": {
            "routing_strategy": settings.LITELLM_ROUTING_STRATEGY,
            "num_retries": settings.LITELLM_NUM_RETRIES,
            "timeout": settings.REQUEST_TIMEOUT_S,
            "fallbacks": [{name: list(others)} for name, others in desired.fallbacks.items()],
            "redis_url": from_environment("REDIS_URL"),
        },
        "general_settings": {
            "master_key": from_environment("LITELLM_MASTER_KEY"),
            "database_url": from_environment("DATABASE_URL"),
            "store_model_in_db": True,
        },
    }


def from_environment(variable: str) -> str:
    """How a proxy's configuration says: the value of that variable."""
    return f"os.environ/{variable}"


def _model(entry: Entry) -> dict[str, Any]:
    key: Mapping[str, str] = {"api_key": from_environment(entry.credential.variable)} if entry.credential else {}
    return {
        "model_name": entry.model_name,
        "litellm_params": {**entry.params, **key},
        "model_info": {**entry.marked_info, REVISION: from_environment(_REVISION_VARIABLE)},
    }
