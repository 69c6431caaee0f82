"""What other apps want done when a user comes into being, however it does."""

from collections.abc import Callable

from opscenter.core.models import User

_hooks: list[Callable[[User], None]] = []
_password_hooks: list[Callable[[User], None]] = []


def on_created(hook: Callable[[User], None]) -> None:
    """Have `hook(user)` called inside the transaction that first saves a user. For AppConfig.ready."""
    if hook not in _hooks:
        _hooks.append(hook)


def on_password_changed(hook: Callable[[User], None]) -> None:
    """Have `hook(user)` called inside the transaction that changes a password. For AppConfig.ready."""
    if hook not in _password_hooks:
        _password_hooks.append(hook)


def password_changed(user: User) -> None:
    for hook in _password_hooks:
        hook(user)


def created(user: User) -> None:
    for hook in _hooks:
        hook(user)
