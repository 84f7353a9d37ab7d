"""The balance sheet: what went in equals what came out, in records and in money."""

from dataclasses import dataclass, field

from headrace.verification.checks import Findings, Place


@dataclass(slots=True)
class Side:
    """Records, and the sum of their amounts by currency in minor units."""

    records: int = 0
    amounts: dict[str, int] = field(default_factory=dict)

    def add(self, amount_minor: int | None, currency: str | None) -> None:
        """Count a record."""
        self.records += 1
        if amount_minor is not None:
            name = currency or "no currency"
            self.amounts[name] = self.amounts.get(name, 0) + amount_minor


@dataclass(slots=True)
class Balance:
    """Readable events on one side, their fates on the other; amounts as the fates state them."""

    events: Side = field(default_factory=Side)
    decisions: Side = field(default_factory=Side)
    duplicates: Side = field(default_factory=Side)
    dead_letters: Side = field(default_factory=Side)
    unreadable_events: int = 0
    unreadable_dead_letters: int = 0
    """Dead letters of unreadable events: they are outside the balance."""

    @property
    def fates(self) -> tuple[Side, Side, Side]:
        """What readable events came to."""
        return self.decisions, self.duplicates, self.dead_letters

    @property
    def currencies(self) -> list[str]:
        """Every currency on either side, by name."""
        return sorted({name for side in (self.events, *self.fates) for name in side.amounts})

    def difference(self, currency: str) -> int:
        """Return the fates' amount less the events'."""
        went_in = self.events.amounts.get(currency, 0)
        return sum(side.amounts.get(currency, 0) for side in self.fates) - went_in

    def judge(self, findings: Findings, topic: str) -> None:
        """Find what does not balance."""
        place = Place(topic)
        came_out = sum(side.records for side in self.fates)
        if came_out != self.events.records:
            findings.add("counts-balance", place, self.events.records, came_out)
        for currency in self.currencies:
            difference = self.difference(currency)
            if difference:
                went_in = self.events.amounts.get(currency, 0)
                findings.add(
                    "amounts-balance",
                    place,
                    f"{went_in} minor units of {currency}",
                    f"{went_in + difference} ({difference:+})",
                )
