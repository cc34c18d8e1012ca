"""What is owed to the provider's side of events, in memory; the steps are those of `deed_*.lua`."""

from worker.deeds import Deed, Outcome
from worker.ledger.memory_rows import atomic
from worker.ledger.memory_views import MemoryViews


@atomic
class MemoryDeeds(MemoryViews):
    """See `worker.deeds.Deeds`."""

    def take_deed(self) -> Deed | None:
        """See `Deeds.take_deed`."""
        due = sorted((at, name, key) for (name, key), at in self._deeds.items() if at <= self._at)
        for _, name, key in due[:1]:
            self._deeds[name, key] = self._at + self._lease
            tries = (self._row(key) or {}).get(f"tries:{name}") or 0
            return Deed(key=key, name=name, tries=int(tries))
        return None

    def end_deed(self, deed: Deed, outcome: Outcome, said: str = "") -> None:
        """See `Deeds.end_deed`."""
        if self._deeds.pop((deed.name, deed.key), None) is None:
            return
        if outcome != "left_out":
            self._stats["write_back", f"{deed.name.partition(':')[0]}_{outcome}"] += 1
        if row := self._row(deed.key):
            row[f"deed:{deed.name}"] = outcome
            if said:
                self._remember(deed.key, row["state"], row["state"], said)

    def put_off_deed(self, deed: Deed, milliseconds: int, *, counts: bool = True) -> None:
        """See `Deeds.put_off_deed`."""
        if (deed.name, deed.key) not in self._deeds:
            return
        self._deeds[deed.name, deed.key] = self._at + milliseconds
        if row := self._row(deed.key):
            row[f"tries:{deed.name}"] = str(deed.tries + counts)

    def owed(self) -> int:
        """See `Deeds.owed`."""
        return len(self._deeds)
