"""`generate_encryption_key`: a key for BYOK_ENCRYPTION_KEY; runs where none is set yet."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from opscenter import env_file
from opscenter.core.secrets import ring_keys

_NAME = "BYOK_ENCRYPTION_KEY"


class Command(BaseCommand):
    help = (
        "Print a fresh key for BYOK_ENCRYPTION_KEY. With --write, put it into a file where there is none, or check the "
        "one that is there; one in use is never replaced."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", metavar="FILE", type=Path, help="a file of variables, such as var/secrets.env")
        parser.add_argument(
            "--rotate", action="store_true", help="with --write: put a fresh key in front of the ring that is in use"
        )

    def handle(self, *args: Any, write: Path | None, rotate: bool, **options: Any) -> None:
        if write is None:
            if rotate:
                raise CommandError("--rotate needs --write FILE.")
            self.stdout.write(Fernet.generate_key().decode())
            return
        try:
            self._write(write, env_file.read(write, _NAME) or "", rotate=rotate)
        except env_file.AmbiguousVariable as error:
            raise CommandError(f"{write}: {error}; leave one.") from error
        except OSError as error:
            raise CommandError(f"{write}: {error.strerror or error}") from error

    def _write(self, path: Path, found: str, *, rotate: bool) -> None:
        used = settings.BYOK_ENCRYPTION_KEY
        count = self._validated(found, str(path)) if found else 0
        if rotate:
            self._rotate(path, found or used)
        elif found:
            self.stdout.write(f"{path} has a valid ring of {count}. Nothing was changed.")
        elif used:
            raise CommandError(
                f"{_NAME} is set already, elsewhere than in {path}: another one there could take its place, and what "
                "is stored could no longer be read. To change the key that encrypts, see --rotate."
            )
        else:
            env_file.write(path, _NAME, Fernet.generate_key().decode())
            self.stdout.write(f"A fresh key is in {path}. Keep a copy apart from the database's backups.")

    def _rotate(self, path: Path, ring: str) -> None:
        self._validated(ring, "The ring in use")
        env_file.write(path, _NAME, f"{Fernet.generate_key().decode()},{ring}")
        self.stdout.write(
            f"{path} has a fresh key in front of the former ring. Restart every process with it, then run "
            "`manage.py rotate_encryption_key`."
        )

    def _validated(self, ring: str, where: str) -> int:
        try:
            return len(ring_keys(ring))
        except ImproperlyConfigured as error:
            raise CommandError(f"{where}: {error} Nothing was changed.") from error
