"""Core's own places of what the key ring encrypted: secrets, allauth's second factors, the end of the audit log."""

from typing import Any

from opscenter.core import sealed
from opscenter.core.models import AuditHead
from opscenter.core.sealed import Column, SecretRows

_ONE_EACH = ("secret", "seed")
_MANY = "migrated_codes"


def register() -> None:
    sealed.register(SecretRows())
    sealed.register(
        Column(
            name="second factors",
            rows=_factors,
            column="data",
            label=lambda row: f"the second factor ({row.type}) of {row.user}",
            tokens_in=_tokens_in,
            with_tokens=_with_tokens,
        )
    )
    sealed.register(
        Column(
            name="the audit log's end",
            rows=AuditHead.objects.all,
            column="seal",
            label=lambda row: "the seal of the audit log's end (see verify_audit)",
            tokens_in=lambda seal: [seal] if seal else [],
            with_tokens=lambda seal, tokens: tokens[0] if tokens else seal,
            is_replaceable=True,
        )
    )


def _factors() -> Any:
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 - needs loaded apps

    return Authenticator.objects.select_related("user")


def _tokens_in(data: dict[str, Any]) -> list[str]:
    return [*(data[name] for name in _ONE_EACH if name in data), *data.get(_MANY, ())]


def _with_tokens(data: dict[str, Any], tokens: list[str]) -> dict[str, Any]:
    rest = iter(tokens)
    changed = {**data, **{name: next(rest) for name in _ONE_EACH if name in data}}
    return changed | ({_MANY: list(rest)} if _MANY in data else {})
