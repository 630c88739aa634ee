"""Strings that must not be shown."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret: comparable, and never printed. `reveal` is for the one place that sends or stores it."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        return self._value
