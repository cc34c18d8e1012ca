"""Every call that the product can make of the published API, by the name of its method."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from worker.contracts import webhook
from worker.contracts.campaign import Plan, Step
from worker.contracts.email.api import EmailApi
from worker.contracts.email.campaigns import Campaigns
from worker.contracts.email.emails import Emails
from worker.contracts.email.hooks import Hooks
from worker.contracts.email.leads import BlockList, Leads
from worker.domain.interest import Interest
from worker.domain.model import Draft, ReplyEvent
from worker.http import ApiClient

RESOURCES = (Emails, Leads, BlockList, Hooks, Campaigns)
DRAFT = Draft(template="pricing", subject="Re: Your team", body="Hi <Ann>,\n\n12 seats & more 🙂")
PLAN = Plan(
    name="Q4 founders",
    mailboxes=["sam@tryacme.example"],
    steps=[Step(subject="Hello", body="Hi", day=0), Step(subject="Again", body="Hi", day=3)],
    timezone="America/Detroit",
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What there is at the provider."""

    mail_id: str = "019ab6d2-4c77-7e10-a1b2-c3d4e5f60718"
    thread_id: str = "019ab1f0-11ab-7f00-8123-456789abcdef"
    mailbox: str = "sam@tryacme.example"
    lead_email: str = "ann@lead.example"
    lead_id: str = "019a31c5-2b3c-7d4e-8f50-617283940516"
    campaign_id: str = "019a31c4-0a5e-7d31-9b42-6c7d8e9f0a1b"
    hook_id: str = "019ab6d2-4c77-7e10-a1b2-c3d4e5f60000"

    def event(self, mail_id: str) -> ReplyEvent:
        return webhook.parse(
            {
                "event_type": "reply_received",
                "campaign_id": self.campaign_id,
                "lead_email": self.lead_email,
                "email_account": self.mailbox,
                "email_id": mail_id,
                "reply_text": "How much is it?",
            }
        )


def methods() -> set[str]:
    """Name every public method of every resource."""
    return {
        f"{resource.__name__}.{name}"
        for resource in RESOURCES
        for name, _ in inspect.getmembers(resource, inspect.isfunction)
        if not name.startswith("_")
    }


def calls(client: ApiClient, known: Known) -> dict[str, Callable[[], object]]:
    api, emails, hooks = EmailApi(client), Emails(client), Hooks(client)
    leads, campaigns = Leads(client), Campaigns(client)
    here, nowhere = known.event(known.mail_id), known.event("00MR163AORTSYC1H11R9E3P123")
    since = {"min_timestamp_created": "2026-11-20T14:32:10.901Z"}
    hook = {"name": "autoreply", "headers": {"X-Webhook-Secret": "s3cret"}}
    url = "https://hooks.example/webhooks/instantly"
    people = [{"email": "bea@lead.example", "first_name": "Bea", "custom_variables": {"seats": 9}}]
    return {
        "EmailApi.thread": lambda: api.thread(here),
        "EmailApi.thread, without the e-mail's id": lambda: api.thread(nowhere),
        "EmailApi.reply": lambda: api.reply(here, DRAFT, lambda: None),
        "Emails.get": lambda: emails.get(known.mail_id),
        "Emails.pages": lambda: list(emails.pages(email_type="received", **since)),
        "Emails.reply": lambda: emails.reply(known.mail_id, known.mailbox, DRAFT, lambda: None),
        "Emails.mark_read": lambda: emails.mark_read(known.thread_id),
        "Leads.find": lambda: list(leads.find(known.lead_email, known.campaign_id)),
        "Leads.fields": lambda: leads.fields(known.lead_email, known.campaign_id),
        "Leads.set_interest": lambda: leads.set_interest(
            known.lead_email, Interest.NOT_INTERESTED, known.campaign_id
        ),
        "Leads.set_interest, taken back": lambda: leads.set_interest(known.lead_email, None),
        "Leads.leave_subsequence": lambda: leads.leave_subsequence(known.lead_id),
        "Leads.add": lambda: leads.add(known.campaign_id, people),
        "BlockList.add": lambda: BlockList(client).add(known.lead_email),
        "Hooks.all": lambda: list(hooks.all()),
        "Hooks.get": lambda: hooks.get(known.hook_id),
        "Hooks.create": lambda: hooks.create(url, campaign_id=known.campaign_id, **hook),
        "Hooks.change": lambda: hooks.change(known.hook_id, name="other"),
        "Hooks.remove": lambda: hooks.remove(known.hook_id),
        "Hooks.test": lambda: hooks.test(known.hook_id),
        "Hooks.resume": lambda: hooks.resume(known.hook_id),
        "Hooks.event_types": hooks.event_types,
        "Hooks.failed": lambda: hooks.failed(date(2026, 11, 20)),
        "Campaigns.create": lambda: campaigns.create(PLAN),
        "Campaigns.get": lambda: campaigns.get(known.campaign_id),
        "Campaigns.activate": lambda: campaigns.activate(known.campaign_id),
        "Campaigns.pause": lambda: campaigns.pause(known.campaign_id),
    }


CALLS = tuple(calls(ApiClient("http://nowhere.example", "k3y", deadline=1.0), Known()))
