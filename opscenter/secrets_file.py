"""`python -m opscenter.secrets_file DIR`: writes fresh secrets to DIR/secrets.env (mode 0600) unless it exists.

For an installation that runs on one machine's defaults; the settings read the file, the environment overrides it.
"""

import os
import secrets
import sys
from pathlib import Path

from cryptography.fernet import Fernet


def ensure(directory: Path) -> Path:
    """The path of the secrets file, made now if it was missing. An existing one is never touched."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "secrets.env"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(handle, "w") as file:
        file.write("# Keep this file: without BYOK_ENCRYPTION_KEY no stored provider key can be read again.\n")
        file.write(f"SECRET_KEY={secrets.token_urlsafe(50)}\n")
        file.write(f"BYOK_ENCRYPTION_KEY={Fernet.generate_key().decode()}\n")
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m opscenter.secrets_file DIRECTORY")
    ensure(Path(sys.argv[1]))
