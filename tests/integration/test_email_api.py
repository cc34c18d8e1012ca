"""The contract `email` against the sandbox on real sockets: what it asks, what it understands."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from flask import request
from integration.serving import client_of, running

from web.sandbox import Sandbox, create_app
from worker.contracts import webhook
from worker.contracts.campaign import Plan, Step
from worker.contracts.email.api import EmailApi
from worker.contracts.email.campaigns import Campaigns
from worker.contracts.email.emails import Emails
from worker.contracts.email.hooks import Hooks
from worker.contracts.email.leads import BlockList, Leads
from worker.contracts.lead import campaigns as by_lead
from worker.domain.errors import AutoreplyError, GiveUp, TryLater
from worker.domain.interest import Interest
from worker.domain.model import Direction, Draft, ReplyEvent
from worker.http import ApiClient

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LEAD = "ann@lead.example"
DRAFT = Draft(template="pricing", subject="Re: Your team", body="Hi <Ann>,\n\n12 & more")
LISTED, ONE = "GET /v2/emails 200", "GET /v2/emails/{id} 200"


@dataclass
class Provider:
    """The sandbox with its steering, and the product's client of it."""

    http: httpx.Client
    client: ApiClient
    sandbox: Sandbox
    asked: list[str]

    def writes(self, text: str = "How much?", **told: Any) -> dict[str, Any]:
        told = {"lead_email": LEAD, "text": text, "event_types": []} | told
        mail: dict[str, Any] = self.put("POST", "/sandbox/inbound", told)["email"]
        return mail

    def put(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    def thread(self, event: ReplyEvent) -> list[str]:
        return [message.id for message in EmailApi(self.client).thread(event).messages]

    def requests(self) -> dict[str, int]:
        """Count the calls of the provider's API."""
        return self.sandbox.requests()


@pytest.fixture
def provider() -> Iterator[Provider]:
    sandbox = Sandbox(clock=lambda: NOW)
    app, asked = create_app(sandbox), []
    app.before_request(lambda: asked.append(request.full_path.rstrip("?")))
    with (
        running(app) as url,
        client_of(url) as client,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer k"}, trust_env=False) as http,
    ):
        yield Provider(http, client, sandbox, asked)


def told_of(mail: dict[str, Any], **changes: Any) -> ReplyEvent:
    """Return the event of the webhook that tells of an e-mail."""
    payload = {
        "event_type": "reply_received",
        "lead_email": mail["lead"],
        "email_account": mail["eaccount"],
        "email_id": mail["id"],
        "campaign_id": mail["campaign_id"],
    }
    return replace(webhook.parse(payload), **changes)


@pytest.fixture
def plan() -> Plan:
    steps = [Step(subject="Hello", body="Hi", day=day) for day in (0, 3, 7)]
    return Plan(name="Q4", mailboxes=["sam@tryacme.example"], steps=steps)


# Conversations


def test_a_thread_is_found_by_its_mail_with_one_list(provider: Provider) -> None:
    mail = provider.writes()
    provider.writes("Anybody?", lead_email="bea@lead.example")
    step, own = EmailApi(provider.client).thread(told_of(mail)).messages
    assert (step.direction, own.direction) == (Direction.OUTBOUND, Direction.INBOUND)
    assert (step.campaign_step, own.id, own.text) == (True, mail["id"], "How much?")
    assert (own.sender, own.mailbox) == (LEAD, mail["eaccount"])
    assert provider.requests() == {ONE: 1, LISTED: 2}  # the last page has a cursor, too
    one, listed, _ = provider.asked[-3:]
    assert one == f"/v2/emails/{mail['id']}"
    by_thread = quote(f"thread:{mail['thread_id']}", safe="")
    assert listed == f"/v2/emails?limit=100&sort_order=asc&search={by_thread}"


def test_all_pages_of_a_thread_are_read_oldest_first(provider: Provider) -> None:
    mails = [provider.writes(f"{number}") for number in range(150)]
    found = provider.thread(told_of(mails[-1]))
    assert found[1:] == [mail["id"] for mail in mails]
    assert provider.requests()[LISTED] == 3


def test_a_thread_too_long_to_be_read_is_looked_at_by_a_person(provider: Provider) -> None:
    mail = provider.writes()
    emails = [{"direction": "in", "body": f"{number}"} for number in range(1001)]
    provider.put("PUT", f"/sandbox/leads/{mail['lead_id']}", {"emails": [mail, *emails]})
    error = error_of(provider, told_of(mail))
    assert (type(error), error.reason) == (TryLater, "unreadable_history")


@pytest.mark.parametrize(
    ("mail_id", "asked"),
    [("019ab6d2-4c77-7e10-a1b2-c3d4e5f60718", 1), ("00MR163AORTSYC1H11R9E3P123", 0)],
    ids=["nobody knows it", "no UUID"],
)
def test_where_the_mail_is_not_found_the_leads_address_leads_to_it(
    provider: Provider, mail_id: str, asked: int
) -> None:
    mail = provider.writes()
    other = provider.writes(lead_email="bea@lead.example")
    found = provider.thread(told_of(mail, mail_id=mail_id))
    assert mail["id"] in found
    assert other["id"] not in found
    assert provider.requests().get("GET /v2/emails/{id} 404", 0) == asked
    assert "GET /v2/emails/{id} 400" not in provider.requests()


def test_a_mail_that_belongs_to_no_thread_is_found_by_its_lead(provider: Provider) -> None:
    mail = provider.writes()
    path = f"/sandbox/leads/{mail['lead_id']}"
    by_hand = {"ue_type": 3, "campaign_id": None, "thread_id": None, "id": "by-hand"}
    provider.put("PUT", path, {"emails": [mail | {"thread_id": None}, by_hand]})
    found = provider.thread(told_of(mail, lead_email=""))
    assert sorted(found) == sorted([mail["id"], "by-hand"])


def test_a_mail_that_the_list_lacks_still_is_part_of_its_thread(provider: Provider) -> None:
    mail = provider.writes()

    class Lagging(Emails):
        def pages(self, **filters: str) -> Iterator[Any]:
            for page in super().pages(**filters):
                yield [item for item in page if item["id"] != mail["id"]]

    api = EmailApi(provider.client)
    api._history._emails = Lagging(provider.client)  # type: ignore[attr-defined]
    assert [m.id for m in api.thread(told_of(mail)).messages][1:] == [mail["id"]]


def test_where_nothing_leads_to_a_thread_it_is_looked_at_again_later(provider: Provider) -> None:
    error = error_of(provider, told_of(provider.writes(), mail_id="nowhere", lead_email=""))
    assert (type(error), error.reason) == (TryLater, "unreadable_history")
    assert "nowhere" in error.detail


@pytest.mark.parametrize("on", ["email", "thread"])
@pytest.mark.parametrize(
    ("status", "kind"), [(401, TryLater), (429, TryLater), (503, TryLater), (422, GiveUp)]
)
def test_what_the_api_refuses_reaches_the_caller_by_its_name(
    provider: Provider, on: str, status: int, kind: type[AutoreplyError]
) -> None:
    mail = provider.writes()
    provider.put("POST", "/sandbox/faults", {"on": on, "kind": "status", "status": status})
    assert type(error_of(provider, told_of(mail))) is kind


def test_another_source_of_conversations_can_take_the_lists_place(provider: Provider) -> None:
    mail = provider.writes()
    api = EmailApi(provider.client, lambda event: [mail | {"subject": event.mail_id}])
    (message,) = api.thread(told_of(mail)).messages
    assert (message.id, message.subject) == (mail["id"], mail["id"])
    assert provider.requests() == {}


# Replies


def test_a_reply_says_to_which_mail_from_where_in_both_forms(provider: Provider) -> None:
    mail = provider.writes()
    passed: list[int] = []
    sent_id = EmailApi(provider.client).reply(told_of(mail), DRAFT, lambda: passed.append(1))
    (sent,) = provider.put("GET", "/sandbox/sent")
    assert (sent_id, passed) == (sent["id"], [1])
    assert (sent["reply_to_uuid"], sent["eaccount"]) == (mail["id"], mail["eaccount"])
    assert (sent["subject"], sent["body"]) == (DRAFT.subject, DRAFT.body)
    assert sent["html"] == "Hi &lt;Ann&gt;,<br/><br/>12 &amp; more"
    assert provider.thread(told_of(mail))[-1] == sent_id


def test_a_reply_from_another_mailbox_is_refused(provider: Provider) -> None:
    event = told_of(provider.writes(), mailbox="other@tryacme.example")
    with pytest.raises(GiveUp, match="http_400"):
        EmailApi(provider.client).reply(event, DRAFT, lambda: None)
    assert provider.put("GET", "/sandbox/sent") == []


def error_of(provider: Provider, event: ReplyEvent) -> AutoreplyError:
    with pytest.raises(AutoreplyError) as caught:
        provider.thread(event)
    return caught.value


# The other calls


def test_a_thread_is_marked_as_read(provider: Provider) -> None:
    mail = provider.writes()
    emails = Emails(provider.client)
    emails.mark_read(mail["thread_id"])
    assert emails.get(mail["id"])["is_unread"] == 0
    with pytest.raises(GiveUp, match="http_404"):
        emails.mark_read("019ab6d2-4c77-7e10-a1b2-c3d4e5f60718")


def test_interest_is_set_in_one_campaign_or_in_all_and_taken_back(provider: Provider) -> None:
    mail = provider.writes()
    other = provider.writes(campaign_id="019a31c4-0a5e-7d31-9b42-6c7d8e9f0a1b")
    leads = Leads(provider.client)

    def interests() -> dict[str, int | None]:
        return {lead.campaign_id: lead.interest for lead in leads.find(LEAD)}

    leads.set_interest(LEAD, Interest.NOT_INTERESTED)
    assert set(interests().values()) == {-1}
    leads.set_interest(LEAD, Interest.OUT_OF_OFFICE, mail["campaign_id"])
    assert interests() == {mail["campaign_id"]: 0, other["campaign_id"]: -1}
    leads.set_interest(LEAD, None, mail["campaign_id"])
    assert interests()[mail["campaign_id"]] is None


def test_a_lead_is_found_by_its_address_and_leaves_its_subsequence(provider: Provider) -> None:
    mail = provider.writes()
    provider.writes(lead_email="bea@lead.example")
    leads = Leads(provider.client)
    provider.writes(campaign_id="019a31c4-0a5e-7d31-9b42-6c7d8e9f0a1b")
    (lead,) = leads.find(LEAD, mail["campaign_id"])
    assert (lead.id, lead.email, lead.subsequence_id) == (mail["lead_id"], LEAD, "")
    where = {"id": lead.id, "subsequence_id": "019a31c4-0a5e-7d31-9b42-6c7d8e9f0a1b"}
    provider.put("POST", "/v2/leads/subsequence/move", where)
    assert {one.subsequence_id for one in leads.find(LEAD)} == {"", where["subsequence_id"]}
    assert next(leads.find(LEAD)).subsequence_id == where["subsequence_id"]
    leads.leave_subsequence(lead.id)
    assert next(leads.find(LEAD)).subsequence_id == ""
    assert list(leads.find("nobody@lead.example")) == []


def test_an_address_is_blocked_once(provider: Provider) -> None:
    for _ in range(2):
        BlockList(provider.client).add(LEAD)
    (entry,) = provider.put("GET", "/v2/block-lists-entries")["items"]
    assert (entry["bl_value"], entry["is_domain"]) == (LEAD, False)


def test_a_webhook_is_made_changed_resumed_and_removed(provider: Provider) -> None:
    hooks = Hooks(provider.client)
    made = hooks.create("https://a.example/hook", name="ours", headers={"X-Webhook-Secret": "s"})
    assert (made.url, made.name, made.event_type) == (
        "https://a.example/hook",
        "ours",
        "all_events",
    )
    assert (made.disabled, made.disabled_at, made.campaign_id) == (False, None, "")
    assert hooks.change(made.id, name="other").name == "other"
    provider.put("POST", f"/sandbox/webhooks/{made.id}/disable")
    (found,) = hooks.all()
    assert (found.id, found.disabled, found.disabled_at) == (made.id, True, NOW)
    assert not hooks.resume(made.id).disabled
    assert hooks.get(made.id).name == "other"
    hooks.remove(made.id)
    assert list(hooks.all()) == []


def test_a_test_of_a_webhook_that_nobody_serves_says_so(provider: Provider) -> None:
    hooks = Hooks(provider.client)
    probe = hooks.test(hooks.create("http://127.0.0.1:9/hook").id)
    assert not probe.success
    assert "refused" in probe.said


def test_what_could_not_be_delivered_is_read_page_by_page_and_by_day(provider: Provider) -> None:
    hooks = Hooks(provider.client)
    hook = hooks.create("http://127.0.0.1:9/hook")
    provider.put("POST", f"/sandbox/webhooks/{hook.id}/disable")
    mails = [provider.writes(f"{n}", event_types=["reply_received"]) for n in range(120)]
    first, cursor = hooks.failed(NOW.date())
    second, end = hooks.failed(NOW.date(), cursor)
    assert (len(first), len(second), end) == (100, 20, "")
    missed = [*first, *second]
    assert {d.payload["email_id"] for d in missed} == {mail["id"] for mail in mails}
    assert {(d.success, d.url, d.at) for d in missed} == {(False, hook.url, NOW)}
    assert {d.error for d in missed} == {"webhook is disabled"}
    assert hooks.failed(NOW.date() + timedelta(days=1)) == ([], "")


def test_what_can_be_subscribed_to_is_named(provider: Provider) -> None:
    named = Hooks(provider.client).event_types()
    assert {"all_events", "reply_received", "lead_unsubscribed"} <= set(named)
    assert "auto_reply_received" not in named


def test_a_campaign_is_made_filled_and_switched_in_both_contracts(
    provider: Provider, plan: Plan
) -> None:
    people = [{"email": "Bea@lead.example", "first_name": "Bea"}, {"email": "nobody"}]
    campaigns, lead = Campaigns(provider.client), by_lead.Campaigns(provider.client)
    made = campaigns.create(plan)
    upload = Leads(provider.client).add(made.id, people)
    assert (upload.added, upload.invalid, upload.blocked) == (1, 1, 0)
    assert Leads(provider.client).add(made.id, people[:1]).added == 0
    assert [c.status for c in (made, campaigns.activate(made.id), campaigns.pause(made.id))] == [
        "0", "1", "2",
    ]  # fmt: skip
    other = lead.create(plan)
    assert lead.add_leads(other.id, people).added == 1
    assert lead.get(other.id) == campaigns.get(other.id) == other
    found = {one.campaign_id for one in Leads(provider.client).find("bea@lead.example")}
    assert found == {made.id, other.id}


def test_the_wait_before_the_next_step_is_told_from_the_days(
    provider: Provider, plan: Plan
) -> None:
    made = Campaigns(provider.client).create(plan)
    kept = provider.put("GET", f"/v2/campaigns/{made.id}")
    assert [step["delay"] for step in kept["sequences"][0]["steps"]] == [3, 4, 0]
    assert kept["email_list"] == list(plan.mailboxes)
    other = by_lead.Campaigns(provider.client).create(plan)
    kept = provider.put("GET", f"/v2/campaigns/{other.id}")
    assert [step["day"] for step in kept["sequence"]] == [0, 3, 7]
    assert kept["email_account_id"] == plan.mailboxes[0]


def test_a_time_zone_that_the_provider_does_not_know_is_refused(
    provider: Provider, plan: Plan
) -> None:
    with pytest.raises(GiveUp, match="timezone must be equal to one of the allowed values"):
        Campaigns(provider.client).create(replace(plan, timezone="Europe/Paris"))
