"""Whose clock and whose holidays count: the lead's own, else the campaign's, else ours.

Only what somebody has written down counts; nothing is guessed from a name or an address.
"""

from zoneinfo import ZoneInfo

from worker.domain.calendars import Holidays, country_code
from worker.domain.frontmatter import Account, Campaign, TemplateSettings
from worker.domain.model import ReplyEvent
from worker.domain.schedule import parse_zone

UTC_ZONE = ZoneInfo("UTC")


def zone_of(event: ReplyEvent, settings: TemplateSettings) -> ZoneInfo:
    """Return the clock that counts; see `clock_of`."""
    return clock_of(event, settings)[0]


def clock_of(event: ReplyEvent, settings: TemplateSettings) -> tuple[ZoneInfo, str]:
    """Return the clock and whose it is: the lead's, the campaign's, the mailbox's, the team's.

    "" is nobody's: where no zone is set, it is UTC.
    """
    rows = zip(_rows(event, settings), ("campaign", "mailbox", "team"), strict=True)
    named = [
        (_field(event, "timezone", "time_zone"), "lead"),
        *((row.timezone, whose) for row, whose in rows if row),
    ]
    known = ((parse_zone(name), whose) for name, whose in named)
    return next(((zone, whose) for zone, whose in known if zone), (UTC_ZONE, ""))


def holidays_of(event: ReplyEvent, settings: TemplateSettings) -> Holidays:
    """Return the holidays of the lead's country, else those set for whoever comes next.

    Where none are wanted (`holidays: []`), those of the lead's country are not either.
    """
    rows = (row.holidays for row in _rows(event, settings) if row)
    told = next((holidays for holidays in rows if holidays is not None), None)
    if told == Holidays():
        return told
    country = country_code(_field(event, "country", "country_code"))
    return Holidays((country,)) if country else told or Holidays()


def _rows(
    event: ReplyEvent, settings: TemplateSettings
) -> tuple[Campaign | None, Account | None, TemplateSettings]:
    campaign = settings.campaign(event.campaign_id, event.campaign_name)
    return campaign, settings.account(event.mailbox), settings


def _field(event: ReplyEvent, *names: str) -> str:
    values = (event.lead.get(name) for name in names)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")
