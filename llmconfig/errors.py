"""What this app refuses, on top of core's errors.

ServiceError
├── NotFound
│   ├── NoActiveProvider     404
│   └── NoSuchVersion        404  a provider key has no version of that number
├── Conflict
│   ├── InUse                409
│   └── VersionNotFit        409  a key's version is in no state for what was asked
├── Unprocessable
│   ├── NotUsable            422  disabled, or not meant for the purpose
│   ├── NotPriced            422  a provider key's model without a price
│   ├── KeyNeededAgain       422  the origin changed, the stored key was for the former
│   ├── KeyRefused           422  the provider refused a new key, or gave no answer
│   ├── KeyNotTaken          422  likewise a consumer's own
│   ├── ProviderNotOffered   422  keys of that provider can't be one's own
│   └── KeyUnreadable        422  the key ring does not decrypt it
├── TooManyRequests
│   └── TooManyTrials        429  of a consumer's keys at providers
├── Unavailable
│   └── SyncUnavailable      503  sync is off, or no task can be handed over
└── BadGateway
    ├── ProviderUnreachable  502
    └── ProxyError           502  the LiteLLM proxy
        ├── ProxyUnreachable
        ├── ProxyRefusedKey       our master key is not the proxy's
        └── ProxyRejected         it answered with another status
"""

from collections.abc import Iterable

from opscenter.core.errors import BadGateway, Conflict, NotFound, TooManyRequests, Unavailable, Unprocessable


class NoActiveProvider(NotFound):
    default_code = "no_active_provider"

    def __init__(self, purpose: str) -> None:
        super().__init__(f"No active provider for {purpose}")


class NoSuchVersion(NotFound):
    default_code = "no_such_version"

    def __init__(self, number: int) -> None:
        super().__init__(f"The key has no version {number}.")


class VersionNotFit(Conflict):
    default_code = "version_not_fit"


class InUse(Conflict):
    default_code = "in_use"

    def __init__(self, what: str, users: Iterable[str]) -> None:
        used_by = list(users)
        listed = ", ".join(used_by[:10]) + (f" and {len(used_by) - 10} more" if len(used_by) > 10 else "")
        super().__init__(f"{what} is in use by {listed}: change or delete that first.", details={"used_by": used_by})


class NotUsable(Unprocessable):
    default_code = "not_usable"


class NotPriced(Unprocessable):
    default_code = "not_priced"


class KeyNeededAgain(Unprocessable):
    default_code = "api_key_needed"

    def __init__(self) -> None:
        super().__init__(
            "The server moves to another address, and a stored key is only sent to the one it was meant "
            "for: give the API key again, or an empty one to remove it.",
            param="api_key",
        )


class KeyRefused(Unprocessable):
    """`reason` is a probe's message."""

    default_code = "key_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The key was tried and nothing was changed: {reason} Force it to use it anyway.", param="api_key"
        )
        self.reason = reason


class KeyNotTaken(Unprocessable):
    """`reason` is a probe's message."""

    default_code = "key_refused"

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(
            f"The key was tried at {provider} and nothing was stored: {reason} Check it there, then try again.",
            param="api_key",
        )


class ProviderNotOffered(Unprocessable):
    default_code = "provider_not_offered"

    def __init__(self, provider: str, offered: list[str]) -> None:
        super().__init__(
            f'Keys of "{provider}" can\'t be stored: choose {", ".join(offered)}.',
            param="provider",
            details={"offered": offered},
        )


class KeyUnreadable(Unprocessable):
    default_code = "key_unreadable"

    def __init__(self) -> None:
        super().__init__("The key ring does not decrypt that version: restore the ring, or give the key anew.")


class TooManyTrials(TooManyRequests):
    default_code = "too_many_key_trials"

    def __init__(self, *, most: int, window_s: int, wait_s: int) -> None:
        super().__init__(
            f"Keys are tried {most} times in {window_s // 60} minutes at most. Go on in {wait_s} s.",
            details={"limit": most, "window_s": window_s},
            headers={"Retry-After": str(wait_s)},
        )


class SyncUnavailable(Unavailable):
    default_code = "sync_unavailable"


class ProviderUnreachable(BadGateway):
    default_code = "provider_unreachable"


class ProxyError(BadGateway):
    default_code = "proxy_error"


class ProxyUnreachable(ProxyError):
    default_code = "proxy_unreachable"


class ProxyRefusedKey(ProxyError):
    default_code = "proxy_refused_key"

    def __init__(self) -> None:
        super().__init__("The proxy refuses LITELLM_MASTER_KEY: set it to the proxy's own master key.")


class ProxyRejected(ProxyError):
    default_code = "proxy_rejected"

    def __init__(self, method: str, path: str, answered: int) -> None:
        super().__init__(f"The proxy answered {answered} to {method} {path}.")
        self.answered = answered
