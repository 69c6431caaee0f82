"""Audits what Django's own user and group pages and allauth's of the second factor change; the only signals here."""

from collections.abc import Iterable
from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver

from opscenter.core import audit, changes, users
from opscenter.core.models import User

_WATCHED = (User, Group)


def _watched(sender: type[Model], raw: bool = False) -> bool:
    return sender in _WATCHED and not raw


@receiver(pre_save, dispatch_uid="core.audit.before")
def remember(sender: type[Model], instance: Model, raw: bool = False, **kwargs: Any) -> None:
    if _watched(sender, raw):
        stored = sender._default_manager.filter(pk=instance.pk).first() if instance.pk else None
        instance._described = changes.describe(stored) if stored else {}  # type: ignore[attr-defined]
        instance._password_was = getattr(stored, "password", None)  # type: ignore[attr-defined]


@receiver(post_save, dispatch_uid="core.audit.saved")
def saved(sender: type[Model], instance: Model, created: bool, raw: bool = False, **kwargs: Any) -> None:
    if not _watched(sender, raw):
        return
    if isinstance(instance, User) and created:
        users.created(instance)
    before, after = changes.difference(instance._described, changes.describe(instance))  # type: ignore[attr-defined]
    if not created and getattr(instance, "password", None) != instance._password_was:  # type: ignore[attr-defined]
        after["password"] = "(changed)"  # noqa: S105 - says that it changed, holds none
        users.credentials_changed(cast(User, instance))
    if before or after:
        _record("create" if created else "update", instance, before, after)


@receiver(post_delete, dispatch_uid="core.audit.deleted")
def deleted(sender: type[Model], instance: Model, **kwargs: Any) -> None:
    if _watched(sender):
        _record("delete", instance, changes.describe(instance), {})


@receiver(post_save, sender=Authenticator, dispatch_uid="core.audit.factor_added")
def factor_added(sender: type[Model], instance: Authenticator, created: bool, raw: bool = False, **kwargs: Any) -> None:
    if created and not raw:
        _factor("add_second_factor", instance, {}, {"second_factor": instance.type})


@receiver(post_delete, sender=Authenticator, dispatch_uid="core.audit.factor_removed")
def factor_removed(sender: type[Model], instance: Authenticator, **kwargs: Any) -> None:
    _factor("remove_second_factor", instance, {"second_factor": instance.type}, {})


def _factor(action: str, factor: Authenticator, before: dict[str, Any], after: dict[str, Any]) -> None:
    audit.record(action=action, entity_type="users", entity_id=factor.user_id, before=before, after=after)
    if factor.type == Authenticator.Type.TOTP:
        users.credentials_changed(User.objects.get(pk=factor.user_id))


@receiver(m2m_changed, dispatch_uid="core.audit.members")
def membership_changed(
    sender: type[Model],
    instance: Model,
    action: str,
    reverse: bool,
    model: type[Model],
    pk_set: set[int] | None,
    **kwargs: Any,
) -> None:
    relations = {
        User.groups.through: "groups",
        User.user_permissions.through: "permissions",
        Group.permissions.through: "permissions",
    }
    verb = {"post_add": "added", "post_remove": "removed", "pre_clear": "cleared"}.get(action)
    if sender not in relations or verb is None or (pk_set is not None and not pk_set):
        return
    meant = model._default_manager.filter(pk__in=pk_set) if pk_set is not None else _related(sender, instance, model)
    names = [str(row) for row in meant]
    relation = "members" if reverse else relations[sender]
    _record("update", instance, {}, {f"{relation}_{verb}": names})


def _related(through: type[Model], instance: Model, model: type[Model]) -> Iterable[Model]:
    """The rows of `model` that are about to be taken from `instance`."""
    ours = next(field for field in through._meta.fields if field.related_model is type(instance))
    theirs = next(field for field in through._meta.fields if field.related_model is model)
    ids = through._default_manager.filter(**{ours.name: instance}).values(theirs.attname)
    return model._default_manager.filter(pk__in=ids)


def _record(action: str, instance: Model, before: dict[str, Any], after: dict[str, Any]) -> None:
    entity = {User: "users", Group: "groups", Permission: "permissions"}.get(type(instance), instance._meta.db_table)
    audit.record(action=action, entity_type=entity, entity_id=instance.pk, before=before, after=after)
    changes.bump()
