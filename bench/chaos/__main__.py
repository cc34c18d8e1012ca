"""`make chaos`: break everything for some minutes, then count; 1 is a broken promise."""

import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click
from e2e.system import System
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from chaos.run import SETTINGS, WORKERS, Report, chaos
from chaos.table import table

_MOST_SHOWN = 10


@click.command()
@click.option("--seconds", default=300, type=click.IntRange(10, 3600), help="of trouble")
@click.option("--rate", default=8.0, type=click.FloatRange(0.1, 50), help="mails a second")
@click.option("--seed", type=int, help="repeats a run's plan; without one, a new plan")
def main(seconds: int, rate: float, seed: int | None) -> None:
    """Run it, print the figures, and keep the logs where something is wrong."""
    seed = random.randrange(1_000_000) if seed is None else seed
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(f"{seconds} s of trouble, {rate:g} mails a second, SEED={seed}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = Path(tempfile.mkdtemp(prefix="autoreply-chaos-"))
    system = System(folder, **SETTINGS)
    is_clean, keeps = True, False
    try:
        system.start(workers=WORKERS)
        report = _watched(console, system, seconds, rate, seed)
        is_clean = report.findings.are_clean
        keeps = bool(report.findings.suspects or report.ended)
        console.print(table(report))
        _explain(console, system, report)
        if keeps:
            console.print(f"logs and ledger are in {folder}")
    finally:
        system.stop()
        if not keeps:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if is_clean else 1)


def _watched(console: Console, system: System, seconds: int, rate: float, seed: int) -> Report:
    columns = (TextColumn("{task.description:>9}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        tasks = {
            "trouble": bar.add_task("trouble", total=seconds),
            "recovery": bar.add_task("recovery", total=None, start=False),
        }

        def watch(what: str, passed: float) -> None:
            if what == "recovery" and not bar.tasks[tasks[what]].started:
                bar.update(tasks["trouble"], completed=seconds)
                bar.start_task(tasks[what])
            bar.update(tasks[what], completed=passed)

        return chaos(system, seconds=seconds, per_second=rate, seed=seed, watch=watch)


def _explain(console: Console, system: System, report: Report) -> None:
    """Print the steps of the first mails that something is wrong with."""
    for key in report.findings.suspects[:_MOST_SHOWN]:
        console.print(f"{key}: {report.findings.untrue.get(key, '')}", style="bold red")
        for line in system.ledger.history(key):
            console.print(f"  {line.at} {line.before} → {line.after} {line.reason}")
        for reply in system.replies():
            if reply["lead_id"] == key.replace("mail-", "lead-"):
                console.print(f"  replied {reply['at']} {reply['id']}")


if __name__ == "__main__":
    main()
