"""`notify`: does what we have to say reach anybody?"""

import click

from worker.bootstrap import make_messenger
from worker.domain.errors import NotPossible, TryLater
from worker.domain.notices import Notice
from worker.running import load_beside
from worker.settings import missing

_TEST = Notice(
    kind="test",
    title="This is a test",
    body="Held drafts, opt-outs and whatever is wrong will be told here.",
)


@click.command()
@click.option("--test", is_flag=True, required=True, help="Send a test to every address.")
def notify(test: bool) -> None:  # noqa: ARG001, FBT001 - a flag that has to be given
    """Send a test notification to the addresses in AUTOREPLY_NOTIFY."""
    settings = load_beside()
    if not settings.notify:
        raise missing("notify")
    messenger = make_messenger(settings)
    try:
        messenger.send(_TEST)
    except TryLater as error:
        msg = f"not every one of the {messenger.count} addresses took it; see what is logged above"
        raise NotPossible(error.reason, msg) from error
    click.echo(f"sent to {messenger.count} address{'es' * (messenger.count != 1)}")
