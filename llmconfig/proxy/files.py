"""Writing the proxy's files: each whole or not at all, the one with the keys readable by its owner alone."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from llmconfig.proxy.documents import Documents

CONFIG, ENVIRONMENT = "config.yaml", "keys.env"
_CONFIG_MODE, _ENVIRONMENT_MODE = 0o644, 0o600


def store(documents: Documents, folder: Path) -> bool:
    """Whether anything had to be written. The keys come first: the configuration names them. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [
        _store(folder / ENVIRONMENT, documents.environment, _ENVIRONMENT_MODE),
        _store(folder / CONFIG, documents.config, _CONFIG_MODE),
    ]
    return any(written)


def _store(path: Path, text: str, mode: int) -> bool:
    if _is_there(path, text, mode):
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    return True


def _is_there(path: Path, text: str, mode: int) -> bool:
    try:
        return path.stat().st_mode & 0o777 == mode and path.read_text(encoding="utf-8") == text
    except (FileNotFoundError, UnicodeDecodeError):
        return False
