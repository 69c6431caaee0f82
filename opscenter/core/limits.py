"""How much of something may be used at once and per minute: by a key, by a user, of a deployment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit."""

    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return not (self.rpm is None and self.tpm is None and self.concurrency is None)

    def or_else(self, defaults: "Limits") -> "Limits":
        """Each that is missing here is that of `defaults`."""
        if not defaults:
            return self
        return Limits(
            rpm=defaults.rpm if self.rpm is None else self.rpm,
            tpm=defaults.tpm if self.tpm is None else self.tpm,
            concurrency=defaults.concurrency if self.concurrency is None else self.concurrency,
        )


NO_LIMITS = Limits()
