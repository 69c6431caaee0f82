"""One variable in a file of environment variables, read and written without touching the other lines."""

import os
import re
import tempfile
from pathlib import Path


class AmbiguousVariable(Exception):
    """The variable stands in the file more than once. `name` says which."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} stands in the file more than once")
        self.name = name


def read(path: Path, name: str) -> str | None:
    """The value, without its quotes; None where the file, or the variable in it, is missing."""
    if not path.exists():
        return None
    values = _line_of(name).findall(path.read_text())
    if len(values) > 1:
        raise AmbiguousVariable(name)
    return values[0].strip().strip("'\"") if values else None


def write(path: Path, name: str, value: str) -> None:
    """Set it, in the place where it stands or at the end. The file is replaced in one step, with mode 0600."""
    path = path.resolve()
    text = path.read_text() if path.exists() else ""
    line = f"{name}={value}"
    changed, found = _line_of(name).subn(lambda _: line, text)
    if not found:
        changed = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(changed)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _line_of(name: str) -> "re.Pattern[str]":
    return re.compile(rf"^[ \t]*(?:export[ \t]+)?{re.escape(name)}[ \t]*=(.*)$", re.MULTILINE)
