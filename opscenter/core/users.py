"""What other apps want done when a user comes into being, however it does."""

from collections.abc import Callable

from opscenter.core.models import User

_hooks: list[Callable[[User], None]] = []
_credential_hooks: list[Callable[[User], None]] = []


def on_created(hook: Callable[[User], None]) -> None:
    """Have `hook(user)` called inside the transaction that first saves a user. For AppConfig.ready."""
    if hook not in _hooks:
        _hooks.append(hook)


def on_credentials_changed(hook: Callable[[User], None]) -> None:
    """Have `hook(user)` called inside the transaction that changes a password or adds or removes a second factor.

    For AppConfig.ready.
    """
    if hook not in _credential_hooks:
        _credential_hooks.append(hook)


def credentials_changed(user: User) -> None:
    for hook in _credential_hooks:
        hook(user)


def created(user: User) -> None:
    for hook in _hooks:
        hook(user)
