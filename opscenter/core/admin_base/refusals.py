"""What services and the database refuse, said to the person in front of the form."""

from collections.abc import Iterator

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError
from django.db.models import ProtectedError, RestrictedError

from opscenter.core.errors import ServiceError

REFUSALS = (ServiceError, ValidationError, ProtectedError, RestrictedError, IntegrityError)


def sentences(refusal: Exception) -> list[str]:
    """What to tell; safe to show."""
    return [sentence for _, sentence in complaints(refusal)]


def complaints(refusal: Exception) -> Iterator[tuple[str | None, str]]:
    """(field or None, sentence) of everything that `refusal` complains about."""
    if isinstance(refusal, ServiceError):
        yield refusal.param, refusal.message
    elif isinstance(refusal, ValidationError):
        yield from _of_validation(refusal)
    elif isinstance(refusal, ProtectedError | RestrictedError):
        rows = refusal.protected_objects if isinstance(refusal, ProtectedError) else refusal.restricted_objects
        users = sorted({f"{row._meta.verbose_name} {row}" for row in rows})
        yield None, f"This is in use and can't be deleted: {', '.join(users[:10])}."
    else:
        yield None, "Somebody else changed this at the same moment: look again."


def _of_validation(refusal: ValidationError) -> Iterator[tuple[str | None, str]]:
    if not hasattr(refusal, "error_dict"):
        yield from ((None, message) for message in refusal.messages)
        return
    for field, messages in refusal.message_dict.items():
        yield from ((None if field == NON_FIELD_ERRORS else field, message) for message in messages)
