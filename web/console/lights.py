"""Is everything well? One light for each part, with what to do where it is not."""

from web.console.parts import Console
from worker.domain import lights as judged
from worker.domain.lights import Light


def lights(console: Console) -> list[Light]:
    """Look at every part."""
    ledger, templates = console.ledger, console.templates()
    newest = ledger.records(None, 1)
    return [
        *(judged.checked(name, state) for name, state in console.checks().items()),
        judged.webhook(
            console.now_ms() - newest[0].received_at if newest else None, console.hook()
        ),
        judged.api(ledger.held_off()),
        judged.due(*ledger.due()),
        judged.templates(templates.problems, len(templates.rules)),
        judged.spool(console.spooled()),
    ]
