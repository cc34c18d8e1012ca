"""A run's result, for people."""

from collections.abc import Mapping

from rich.table import Table

from chaos.run import Report
from worker.domain.progress import State


def table(report: Report) -> Table:
    """Return the figures of a run; what must be zero is marked."""
    found, done = report.findings, report.trouble
    kills = {k.removeprefix("kill "): n for k, n in done.items() if k.startswith("kill ")}
    shown = Table("", "", "", title="Chaos")
    shown.columns[1].justify = "right"
    answers = {str(status or "no answer"): n for status, n in sorted(report.answers.items())}
    shown.add_row("mails", str(report.mails))
    shown.add_row("delivered", str(report.deliveries), _listed(answers))
    shown.add_row("accepted", str(report.accepted), end_section=True)
    for state in (State.SENT, State.SKIPPED, State.HELD, State.FAILED):
        shown.add_row(state.value, str(found.count(state)), _listed(found.reasons(state)))
    shown.add_section()
    for name, wrong in (
        ("lost", found.lost),
        ("twice", found.twice),
        ("untrue", found.untrue),
    ):
        colour = "red" if wrong else "green"
        shown.add_row(f"[bold {colour}]{name}", f"[bold {colour}]{len(wrong)}")
    shown.add_section()
    shown.add_row("process kills", str(sum(kills.values())), _listed(kills))
    shown.add_row("freezes", str(done["freeze"]))
    shown.add_row("redis restarts", str(done["kill valkey"]))
    shown.add_row("broker flushes", str(done["flush"]))
    shown.add_row("API faults", str(sum(report.faults.values())), _listed(report.faults))
    shown.add_row("ended by itself", str(len(report.ended)), ", ".join(report.ended))
    recovery = "never" if report.recovery is None else f"{report.recovery:.1f} s"
    shown.add_row("time to recover", recovery)
    return shown


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))
