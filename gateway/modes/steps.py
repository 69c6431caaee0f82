"""The steps of a reasoning, as models say them: without the mark with which the last one ends."""

from gateway.modes.prompts import READY

_AROUND = " \n\t*_`"
_KEPT = len(READY) + 16


class Step:
    """One step while it is being said; `take` and `rest` return what may be shown. `is_last` is known after rest()."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._kept = ""
        self.is_last = False

    @property
    def text(self) -> str:
        return "".join(self._shown).strip()

    def take(self, text: str) -> str:
        """All but the end, where the mark may be."""
        self._kept += text
        shown, self._kept = self._kept[:-_KEPT], self._kept[-_KEPT:]
        return self._show(shown)

    def rest(self) -> str:
        end = self._kept.rstrip(_AROUND)
        self.is_last = end.lower().endswith(READY)
        return self._show(end[: -len(READY)].rstrip(_AROUND) if self.is_last else self._kept.rstrip())

    def _show(self, text: str) -> str:
        if text:
            self._shown.append(text)
        return text
