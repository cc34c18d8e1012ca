"""`make corpora`: how much of what strangers wrote is read right, and how fast; 1 is too little."""

import sys
from collections.abc import Iterable

from corpora import machines, optout, quotes, speed
from corpora.score import FOLDER, Score
from rich.console import Console
from rich.table import Table

_MOST_SHOWN = 12


def main() -> None:
    """Print every score with its misses, then the times of hostile mails."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    scores: list[Score] = []
    if FOLDER.is_dir():
        scores = [*quotes.scores(), *machines.scores(), *optout.scores()]
        console.print(_table(scores))
    else:
        console.print("The third-party mails are no part of this project and not beside it.")
    for score in scores:
        for miss in score.misses[:_MOST_SHOWN]:
            console.print(f"{score.name}: {miss}", markup=False, highlight=False)
    is_fast = speed.show()
    sys.exit(0 if is_fast and all(score.enough for score in scores) else 1)


def _table(scores: Iterable[Score]) -> Table:
    shown = Table("third-party mails", "right", "of", "wanted", box=None)
    for score in scores:
        colour = "green" if score.enough else "red"
        shown.add_row(score.name, f"[{colour}]{score.right}", str(score.total), str(score.wanted))
    return shown


if __name__ == "__main__":
    main()
