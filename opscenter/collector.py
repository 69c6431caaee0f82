"""Python's search for cyclic garbage, kept off what is loaded once and stays.

It made up a third of what every command and every web process takes to start and to end.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting() -> Iterator[None]:
    """While modules are loaded, in which it will never look; nor does it look at anything when the process ends."""
    gc.disable()
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
