"""A campaign as both contracts know it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.contracts.lenient import identity, text, whole

WORKDAYS = frozenset(range(1, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One e-mail of a sequence; `day`: days after the campaign reached the lead."""

    subject: str
    body: str
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A campaign to be made.

    Attributes:
        mailboxes: what it sends from; contract `lead` takes one.
        steps: in the order of their days.
        timezone: the clock of its hours, one of `worker.contracts.zones`; UTC where not
            given. Only contract `email` asks for this and the rest.
        begins: "HH:MM", like `ends`.
        days: when it sends; 0 is Sunday.

    """

    name: str
    mailboxes: Sequence[str]
    steps: Sequence[Step]
    timezone: str = "Africa/Abidjan"
    begins: str = "09:00"
    ends: str = "17:00"
    days: frozenset[int] = field(default=WORKDAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as the provider keeps it; `status` is its number or word for it."""

    id: str
    name: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What became of leads that were added: how many of them."""

    added: int
    duplicate: int
    skipped: int
    invalid: int
    blocked: int


def campaign_of(answer: object) -> Campaign:
    """Read a campaign."""
    item = answer if isinstance(answer, Mapping) else {}
    return Campaign(
        id=identity(item, "id", "campaign_id"),
        name=text(item, "name"),
        status=identity(item, "status"),
    )


def upload_of(answer: object) -> Upload:
    """Read what the provider says to leads that were added."""
    said = answer if isinstance(answer, Mapping) else {}
    return Upload(
        added=whole(said, "leads_uploaded"),
        duplicate=whole(said, "duplicated_leads") + whole(said, "duplicate_email_count"),
        skipped=whole(said, "skipped_count"),
        invalid=whole(said, "invalid_email_count") + whole(said, "incomplete_count"),
        blocked=whole(said, "in_blocklist"),
    )
