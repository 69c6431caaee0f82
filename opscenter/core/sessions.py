"""Sessions in the database under a digest of their cookie: whoever reads the table, or a copy of it, can't sign in."""

import base64
import hashlib
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone


def digest(session_key: str) -> str:
    """What stands for a session's key in the database: 240 bits of its SHA-256, in the 40 characters of the column."""
    return base64.urlsafe_b64encode(hashlib.sha256(session_key.encode()).digest()[:30]).decode()


class SessionStore(db.SessionStore):
    """Django's, with every row found and written by the digest of the key."""

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        key = self.session_key
        unexpired = self.model.objects.filter(expire_date__gt=timezone.now())
        row: AbstractBaseSession | None = unexpired.filter(session_key=digest(key)).first() if key else None
        if row is None:
            self._session_key = None
        return row

    async def _aget_session_from_db(self) -> AbstractBaseSession | None:
        return await sync_to_async(self._get_session_from_db)()

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await super().aexists(digest(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return self._under_digest(super().create_model_instance(data))

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        return self._under_digest(await super().acreate_model_instance(data))

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(digest(key))

    async def adelete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            await super().adelete(digest(key))

    @staticmethod
    def _under_digest(row: AbstractBaseSession) -> AbstractBaseSession:
        row.session_key = digest(row.session_key)
        return row
