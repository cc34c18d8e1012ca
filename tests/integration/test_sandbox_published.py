"""The sandbox as the published API: e-mails by their ids, webhooks, limits, and what it refuses."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from flask import Flask, Response, request
from integration.serving import running

from web.sandbox import Sandbox, create_app

KEY = {"Authorization": "Bearer any"}
NOBODY = "019ab6d2-4c77-7e10-a1b2-c3d4e5f60718"
CAMPAIGN = "019a31c4-0a5e-7d31-9b42-6c7d8e9f0a1b"
LEAD = "ann@lead.example"
SCHEDULE = {
    "name": "s", "timing": {"from": "09:00", "to": "17:00"}, "days": {"1": True},
    "timezone": "America/Detroit",
}  # fmt: skip


class Hands:
    """The test's own clock."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


class Target:
    """Somebody who gets webhooks, and answers with a status."""

    def __init__(self) -> None:
        self.status = 202
        self.got: list[tuple[dict[str, Any], str]] = []
        self.url = ""

    def app(self) -> Flask:
        app = Flask(__name__)

        def take() -> Response:
            self.got.append((request.get_json(), request.headers.get("X-Webhook-Secret", "")))
            return Response(status=self.status)

        app.add_url_rule("/hook", view_func=take, methods=["POST"])
        return app

    def types(self) -> list[str]:
        return [payload["event_type"] for payload, _ in self.got]


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def api(hands: Hands) -> Iterator[httpx.Client]:
    with (
        running(create_app(Sandbox(clock=lambda: hands.now))) as url,
        httpx.Client(base_url=url, headers=KEY, timeout=5, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    with running(target.app()) as url:
        target.url = f"{url}/hook"
        yield target


def done(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def writes(api: httpx.Client, text: str = "How much?", **told: Any) -> dict[str, Any]:
    told = {"lead_email": LEAD, "text": text} | told
    mail: dict[str, Any] = done(api.post("/sandbox/inbound", json=told))["email"]
    return mail


def hook(api: httpx.Client, target: Target, **more: Any) -> str:
    told = {"target_hook_url": target.url, "headers": {"X-Webhook-Secret": "s"}} | more
    return str(done(api.post("/v2/webhooks", json=told))["id"])


def listed(api: httpx.Client, **query: Any) -> list[str]:
    return [mail["id"] for mail in done(api.get("/v2/emails", params=query))["items"]]


def log(api: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = done(api.get("/v2/webhook-events", params=query))["items"]
    return lines


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.json()["statusCode"] == answer.status_code
    return answer.status_code, answer.json()["message"]


# E-mails


def test_a_lead_that_writes_begins_a_thread_with_the_campaigns_mail(api: httpx.Client) -> None:
    mail = writes(api, "How much?\nAnn", subject="Re: Your team", eaccount="ola@ours.example")
    step, own = done(api.get("/v2/emails", params={"lead": LEAD, "sort_order": "asc"}))["items"]
    assert own == mail == done(api.get(f"/v2/emails/{mail['id']}"))
    assert (step["ue_type"], step["subject"], step["step"]) == (1, "Your team", "step-1")
    assert (own["ue_type"], own["subject"], own["eaccount"]) == (
        2, "Re: Your team", "ola@ours.example",
    )  # fmt: skip
    assert own["body"] == {"text": "How much?\nAnn", "html": "How much?<br/>Ann"}
    assert step["thread_id"] == own["thread_id"]
    assert own["content_preview"] == "How much? Ann"


def test_both_contracts_show_the_same_thread(api: httpx.Client) -> None:
    mail = writes(api)
    by_lead = done(api.get(f"/v2/leads/{mail['lead_id']}/emails"))["items"]
    assert [one["id"] for one in by_lead] == listed(
        api, search=f"thread:{mail['thread_id']}", sort_order="asc"
    )


def test_every_filter_keeps_what_it_says(api: httpx.Client, hands: Hands) -> None:
    ann = writes(api)
    hands.later(minutes=1)
    bea = writes(api, lead_email="bea@other.example", eaccount="ola@ours.example",
                 campaign_id=CAMPAIGN, is_auto_reply=1)  # fmt: skip
    noon = "2026-11-20T12:00:00.000Z"

    def found(**query: Any) -> list[str]:
        return [name for name in listed(api, **query) if name in (ann["id"], bea["id"])]

    assert found() == [bea["id"], ann["id"]]
    assert found(sort_order="asc") == [ann["id"], bea["id"]]
    for query in (
        {"lead": LEAD.upper()}, {"search": LEAD}, {"search": f"thread:{ann['thread_id']}"},
        {"campaign_id": ann["campaign_id"]}, {"eaccount": "x@y.example,sam@tryacme.example"},
        {"company_domain": "lead.example"}, {"max_timestamp_created": "2026-11-20T12:00:30Z"},
    ):  # fmt: skip
        assert found(**query) == [ann["id"]], query
    for query in ({"min_timestamp_created": noon}, {"campaign_id": CAMPAIGN}):
        assert found(**query) == [bea["id"]], query
    for query in (
        {"email_type": "sent"}, {"email_type": "manual"}, {"is_unread": "false"},
        {"scheduled_only": "true"}, {"has_reminder": "true"}, {"max_timestamp_created": noon},
        {"search": f"thread:{NOBODY}"}, {"i_status": "1"}, {"list_id": NOBODY},
    ):  # fmt: skip
        assert found(**query) == [], query
    assert found(email_type="received", is_unread="true") == [bea["id"], ann["id"]]


def test_of_each_thread_the_latest_mail_can_be_asked_for(api: httpx.Client) -> None:
    writes(api)
    last = writes(api, "And?")
    assert listed(api, latest_of_thread="true") == [last["id"]]
    (preview,) = done(api.get("/v2/emails?latest_of_thread=true&preview_only=true"))["items"]
    assert (preview["body"], preview["content_preview"]) == ({}, "And?")


def test_pages_follow_their_cursor_and_the_last_one_has_one_too(
    api: httpx.Client, hands: Hands
) -> None:
    mails = []
    for number in range(4):
        hands.later(seconds=1)
        mails.append(writes(api, str(number))["id"])
    query = {"email_type": "received", "limit": 2, "starting_after": ""}
    seen: list[list[str]] = []
    while not seen or seen[-1]:
        page = done(api.get("/v2/emails", params=query))
        seen.append([mail["id"] for mail in page["items"]])
        query["starting_after"] = page.get("next_starting_after", "")
    assert seen == [mails[:1:-1], mails[1::-1], []]


def test_a_page_holds_ten_mails_where_nobody_says_how_many(api: httpx.Client) -> None:
    for number in range(11):
        writes(api, str(number))
    assert len(listed(api)) == 10


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": 101}, "querystring/limit must be <= 100"),
        ({"limit": 0}, "querystring/limit must be >= 1"),
        ({"limit": "many"}, "querystring/limit must be integer"),
        ({"thread_id": "x"}, "querystring must NOT have additional properties"),
        ({"starting_after": "x"}, "querystring/starting_after names no item of this list"),
        ({"min_timestamp_created": "soon"},
         "querystring/min_timestamp_created must be an ISO 8601 time"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused(
    api: httpx.Client, query: dict[str, Any], message: str
) -> None:
    assert refusal(api.get("/v2/emails", params=query)) == (400, message)


@pytest.mark.parametrize("path", ["/v2/emails/{}", "/v2/leads/{}", "/v2/campaigns/{}"])
def test_an_id_is_a_uuid_and_known(api: httpx.Client, path: str) -> None:
    wrong = refusal(api.get(path.format("00MR163AORTSYC1H11R9E3P123")))
    assert wrong == (400, 'params/id must match format "uuid"')
    assert refusal(api.get(path.format(NOBODY))) == (404, "Resource not found")


def test_a_history_may_lag_behind_an_inbound_mail(api: httpx.Client, hands: Hands) -> None:
    mail = writes(api, lag=30)
    assert mail["id"] not in listed(api)
    assert api.get(f"/v2/emails/{mail['id']}").status_code == 404
    hands.later(seconds=30)
    assert mail["id"] in listed(api)


# Replies


def reply_to(mail: dict[str, Any], **changes: Any) -> dict[str, Any]:
    told = {
        "reply_to_uuid": mail["id"], "eaccount": mail["eaccount"], "subject": "Re: Your team",
        "body": {"html": "Hi<br/>Ann", "text": "Hi\nAnn"},
    }  # fmt: skip
    return {k: v for k, v in (told | changes).items() if v is not None}


def test_a_reply_goes_into_the_thread_of_its_mail(api: httpx.Client) -> None:
    mail = writes(api)
    sent = done(api.post("/v2/emails/reply", json=reply_to(mail, cc_address_email_list="a@b.c")))
    assert (sent["ue_type"], sent["thread_id"], sent["lead"]) == (3, mail["thread_id"], LEAD)
    assert sent["body"] == {"text": "", "html": "Hi<br/>Ann"}
    assert listed(api, email_type="manual") == [sent["id"]]
    (told,) = done(api.get("/sandbox/sent"))
    assert (told["id"], told["html"], told["body"]) == (sent["id"], "Hi<br/>Ann", "Hi\nAnn")


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"reply_to_uuid": None}, 400, "body must have required property 'reply_to_uuid'"),
        ({"eaccount": None}, 400, "body must have required property 'eaccount'"),
        ({"body": "Hi"}, 400, "body/body must be object"),
        ({"body": {}}, 400, "body/body must have html or text"),
        ({"body": {"html": 7}}, 400, "body/body/html must be string"),
        ({"subject": " "}, 400, "body/subject must NOT have fewer than 1 characters"),
        ({"reply_to_uuid": NOBODY}, 404, "Resource not found"),
        ({"eaccount": "x@y.example"}, 400, "Email account x@y.example did not receive this email"),
    ],
)
def test_a_wrong_reply_is_refused_and_sends_nothing(
    api: httpx.Client, changes: dict[str, Any], status: int, message: str
) -> None:
    answer = api.post("/v2/emails/reply", json=reply_to(writes(api), **changes))
    assert refusal(answer) == (status, message)
    assert done(api.get("/sandbox/sent")) == []


@pytest.mark.parametrize(
    ("on", "method", "path"),
    [
        ("email", "GET", "/v2/emails/{mail}"),
        ("thread", "GET", "/v2/emails?search=thread:{thread}"),
        ("action", "POST", "/v2/emails/threads/{thread}/mark-as-read"),
        ("action", "GET", "/v2/webhooks"),
    ],
)
def test_faults_strike_the_published_calls_too(
    api: httpx.Client, on: str, method: str, path: str
) -> None:
    mail = writes(api)
    done(api.post("/sandbox/faults", json={"on": on, "kind": "status", "status": 503}))
    url = path.format(mail=mail["id"], thread=mail["thread_id"])
    assert [api.request(method, url).status_code for _ in range(2)] == [503, 200]


def test_a_fault_of_one_lead_leaves_the_list_of_all_alone(api: httpx.Client) -> None:
    mail = writes(api)
    fault = {"on": "thread", "kind": "status", "status": 503, "lead_id": mail["lead_id"]}
    done(api.post("/sandbox/faults", json=fault))
    assert api.get("/v2/emails").status_code == 200
    assert api.get(f"/v2/emails?search=thread:{mail['thread_id']}").status_code == 503


# Webhooks


def test_an_inbound_mail_is_told_to_the_webhook_with_its_headers(
    api: httpx.Client, target: Target
) -> None:
    hook(api, target)
    mail = writes(api, "How much?", lead={"firstName": "Ann", "Company_name": "Acme"})
    ((payload, secret),) = target.got
    assert secret == "s"
    assert (payload["event_type"], payload["email_id"]) == ("reply_received", mail["id"])
    assert (payload["lead_email"], payload["email_account"]) == (LEAD, mail["eaccount"])
    assert (payload["reply_text"], payload["reply_subject"]) == ("How much?", mail["subject"])
    assert (payload["firstName"], payload["Company_name"]) == ("Ann", "Acme")
    assert not {"lead_id", "thread_id", "id"} & set(payload)
    (line,) = log(api)
    assert (line["success"], line["status_code"], line["payload"]) == (True, 202, payload)


def test_a_webhook_gets_what_it_is_subscribed_to(api: httpx.Client, target: Target) -> None:
    kinds = ["reply_received", "lead_interested", "Wants a demo", "link_clicked"]
    for kind in ("reply_received", "lead_interested", "email_link_clicked"):
        hook(api, target, event_type=kind)
    writes(api, event_types=kinds)
    assert target.types() == ["reply_received", "lead_interested", "link_clicked"]
    writes(api, is_auto_reply=1)
    assert len(target.got) == 3
    hook(api, target)
    writes(api, is_auto_reply=1)
    assert target.types()[3:] == ["auto_reply_received"]


def test_a_webhook_of_one_campaign_gets_nothing_of_another(
    api: httpx.Client, target: Target
) -> None:
    hook(api, target, campaign=CAMPAIGN)
    writes(api)
    writes(api, campaign_id=CAMPAIGN)
    assert [payload["campaign_id"] for payload, _ in target.got] == [CAMPAIGN]


def test_a_mail_can_be_told_to_an_address_without_a_webhook(
    api: httpx.Client, target: Target
) -> None:
    writes(api, target=target.url, headers={"X-Webhook-Secret": "other"})
    assert [secret for _, secret in target.got] == ["other"]
    assert len(log(api, success="true")) == 1


def test_a_webhook_is_disabled_after_failures_and_what_it_misses_is_logged(
    api: httpx.Client, target: Target
) -> None:
    name = hook(api, target)
    target.status = 500
    for _ in range(9):
        writes(api)
    target.status = 202
    writes(api)
    target.status = 500
    for _ in range(10):
        assert done(api.get(f"/v2/webhooks/{name}"))["status"] == 1
        writes(api)
    given_up = done(api.get(f"/v2/webhooks/{name}"))
    assert (given_up["status"], given_up["timestamp_error"]) == (-1, "2026-11-20T12:00:00.000Z")
    target.status = 202
    missed = writes(api)
    assert len(target.got) == 20
    line = log(api, success="false", limit=1)[0]
    assert (line["payload"]["email_id"], line["status_code"]) == (missed["id"], None)
    assert line["error_message"] == "webhook is disabled"
    resumed = done(api.post(f"/v2/webhooks/{name}/resume"))
    assert (resumed["status"], resumed["timestamp_error"]) == (1, None)
    writes(api)
    assert len(target.got) == 21


def test_a_webhook_can_be_disabled_by_hand(api: httpx.Client, target: Target) -> None:
    name = hook(api, target)
    assert done(api.post(f"/sandbox/webhooks/{name}/disable"))["status"] == -1
    writes(api)
    assert (target.got, len(log(api, success="false"))) == ([], 1)


def test_deliveries_are_listed_newest_first_by_day_lead_and_address(
    api: httpx.Client, target: Target, hands: Hands
) -> None:
    hook(api, target)
    first = writes(api)
    hands.later(days=1)
    second = writes(api, lead_email="bea@lead.example")

    def mails(**query: Any) -> list[str]:
        return [line["payload"]["email_id"] for line in log(api, **query)]

    assert mails() == mails(search=target.url) == [second["id"], first["id"]]
    assert mails(to="2026-11-20") == mails(search=LEAD) == [first["id"]]
    assert mails(**{"from": "2026-11-21", "to": "2026-11-21"}) == [second["id"]]
    assert mails(success="false") == mails(**{"from": "2026-11-22"}) == []


def test_a_test_reaches_the_webhook(api: httpx.Client, target: Target) -> None:
    name = hook(api, target)
    said = done(api.post(f"/v2/webhooks/{name}/test"))
    assert (said["success"], said["status_code"]) == (True, 202)
    assert target.types() == ["webhook_test"]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "body must have required property 'target_hook_url'"),
        ({"target_hook_url": "ftp://x"}, 'body/target_hook_url must match pattern "^https?://"'),
        ({"target_hook_url": "https://x", "event_type": "auto_reply_received"},
         "body/event_type must be equal to one of the allowed values"),
        ({"target_hook_url": "https://x", "headers": {"a": 1}}, "body/headers/a must be string"),
        ({"target_hook_url": "https://x", "secret": "s"},
         "body must NOT have additional properties"),
        ({"target_hook_url": "https://x", "campaign": "c"},
         'body/campaign must match format "uuid"'),
    ],
)  # fmt: skip
def test_a_wrong_webhook_is_refused(api: httpx.Client, told: dict[str, Any], message: str) -> None:
    assert refusal(api.post("/v2/webhooks", json=told)) == (400, message)


# Leads and campaigns


def campaign(api: httpx.Client, **more: Any) -> str:
    told = {"name": "Q4", "campaign_schedule": {"schedules": [SCHEDULE]}} | more
    return str(done(api.post("/v2/campaigns", json=told))["id"])


def test_leads_are_added_once_and_those_that_are_blocked_never(api: httpx.Client) -> None:
    name = campaign(api)
    done(api.post("/v2/block-lists-entries", json={"bl_value": "blocked.example"}))
    people = [{"email": one} for one in (LEAD, "x@blocked.example", "nobody", LEAD.upper())]
    said = done(api.post("/v2/leads/add", json={"campaign_id": name, "leads": people[:3]}))
    assert (said["leads_uploaded"], said["in_blocklist"], said["invalid_email_count"]) == (1, 1, 1)
    assert [lead["email"] for lead in said["created_leads"]] == [LEAD]
    again = done(api.post("/v2/leads/add", json={"campaign_id": name, "leads": people[3:]}))
    assert (again["leads_uploaded"], again["duplicated_leads"]) == (0, 1)
    found = done(api.post("/v2/leads/list", json={"campaign": name}))["items"]
    assert [lead["email"] for lead in found] == [LEAD]


@pytest.mark.parametrize(
    ("path", "told", "status", "message"),
    [
        ("leads/add", {"leads": []}, 400, "body/leads must have 1 to 1000 items"),
        ("leads/add", {"leads": [{"email": "a@b"}] * 1001}, 400,
         "body/leads must have 1 to 1000 items"),
        ("leads/add", {"leads": [{"mail": "a@b"}], "campaign_id": NOBODY}, 400,
         "body/leads/0 must NOT have additional properties"),
        ("leads/add", {"leads": [{"email": "a@b"}], "campaign_id": NOBODY}, 404,
         "Resource not found"),
        ("leads/add", {"leads": [{"email": "a@b"}]}, 400,
         "Provide a campaign_id or a list_id, but not both"),
        ("leads/list", {"limit": 101}, 400, "body/limit must be <= 100"),
        ("leads/update-interest-status", {"lead_email": LEAD}, 400,
         "body must have required property 'interest_value'"),
        ("leads/update-interest-status", {"lead_email": LEAD, "interest_value": True}, 400,
         "body/interest_value must be number,null"),
        ("leads/update-interest-status", {"lead_email": LEAD, "interest_value": -1}, 404,
         "Lead not found"),
        ("leads/subsequence/remove", {"id": "x"}, 400, 'body/id must match format "uuid"'),
        ("leads/subsequence/remove", {"id": NOBODY}, 404, "Resource not found"),
        ("block-lists-entries", {"bl_value": " "}, 400,
         "body/bl_value must NOT have fewer than 1 characters"),
        ("campaigns", {"name": "Q4"}, 400, "body must have required property 'campaign_schedule'"),
        ("campaigns", {"name": "Q4", "campaign_schedule": {"schedules": []}}, 400,
         "body/campaign_schedule/schedules must NOT have fewer than 1 items"),
        ("campaigns",
         {"name": "Q4", "campaign_schedule": {"schedules": [SCHEDULE | {"timezone": "UTC"}]}}, 400,
         "body/campaign_schedule/schedules/0/timezone must be equal to one of the allowed values"),
        ("campaigns", {"name": "Q4", "sequence": []}, 400,
         "body must have required property 'email_account_id'"),
        ("campaigns",
         {"name": "Q4", "email_account_id": "a", "sequence": [{"subject": "s", "body": "b"}]}, 400,
         "body/sequence/0 must have subject, body and day"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_in_the_providers_words(
    api: httpx.Client, path: str, told: dict[str, Any], status: int, message: str
) -> None:
    assert refusal(api.post(f"/v2/{path}", json=told)) == (status, message)


@pytest.mark.parametrize("what", ["activate", "pause"])
def test_a_switch_takes_no_body_and_no_word_of_one(api: httpx.Client, what: str) -> None:
    url = f"/v2/campaigns/{campaign(api)}/{what}"
    assert refusal(api.post(url, json={})) == (400, "body must be empty")
    empty = api.post(url, headers={"Content-Type": "application/json"})
    words = "Body cannot be empty when content-type is set to 'application/json'"
    assert refusal(empty) == (400, words)
    assert api.post(url).status_code == 200


# Limits


def statuses(api: httpx.Client, path: str, times: int, **more: Any) -> list[int]:
    return [api.get(path, **more).status_code for _ in range(times)]


def test_lists_have_a_limit_of_their_own(api: httpx.Client, hands: Hands) -> None:
    mail = writes(api)
    assert done(api.put("/sandbox/limits", json={})) == {
        "list_per_minute": 20, "per_second": 100, "per_minute": 6000,
    }  # fmt: skip
    assert statuses(api, "/v2/emails", 21) == [200] * 20 + [429]
    assert statuses(api, f"/v2/emails/{mail['id']}", 5) == [200] * 5
    assert done(api.get("/sandbox/requests"))["GET /v2/emails 429"] == 1
    hands.later(seconds=60)
    assert statuses(api, "/v2/emails", 2) == [200, 200]


def test_a_window_slides_and_counts_what_it_refuses(api: httpx.Client, hands: Hands) -> None:
    done(api.put("/sandbox/limits", json={"list_per_minute": 2}))
    found = []
    for _ in range(6):
        found += statuses(api, "/v2/emails", 1)
        hands.later(seconds=20)
    assert found == [200, 200, 429, 429, 429, 429]
    hands.later(seconds=40)
    assert statuses(api, "/v2/emails", 1) == [200]


def test_all_calls_share_the_limit_of_a_second(api: httpx.Client, hands: Hands) -> None:
    mail = writes(api)
    done(api.put("/sandbox/limits", json={"per_second": 3}))
    assert statuses(api, f"/v2/emails/{mail['id']}", 2) == [200, 200]
    assert statuses(api, "/v2/webhooks", 2) == [200, 429]
    assert statuses(api, "/sandbox/sent", 5) == [200] * 5
    hands.later(seconds=1)
    assert statuses(api, "/v2/webhooks", 1) == [200]


def test_every_key_has_limits_of_its_own(api: httpx.Client) -> None:
    done(api.put("/sandbox/limits", json={"list_per_minute": 1}))
    other = {"Authorization": "Bearer other"}
    assert statuses(api, "/v2/emails", 2) == [200, 429]
    assert statuses(api, "/v2/emails", 2, headers=other) == [200, 429]


def test_there_are_no_limits_unless_they_are_asked_for(api: httpx.Client) -> None:
    assert done(api.get("/sandbox/limits")) == {}
    assert statuses(api, "/v2/emails", 30) == [200] * 30
    done(api.put("/sandbox/limits", json={}))
    done(api.delete("/sandbox/limits"))
    assert statuses(api, "/v2/emails", 30) == [200] * 30


# Steering


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"text": "Hi"}, "lead_email is missing"),
        ({"lead_email": LEAD}, "text is missing"),
        ({"lead_email": LEAD, "text": 7}, "text must be string"),
        ({"lead_email": LEAD, "text": " "}, "body/text must NOT have fewer than 1 characters"),
        ({"lead_email": LEAD, "text": "Hi", "campaign_id": "c"},
         'campaign_id must match format "uuid"'),
    ],
)  # fmt: skip
def test_a_wrong_inbound_mail_is_refused(
    api: httpx.Client, told: dict[str, Any], message: str
) -> None:
    assert refusal(api.post("/sandbox/inbound", json=told)) == (400, message)
    assert listed(api) == []


def test_a_mail_may_come_from_somebody_else(api: httpx.Client) -> None:
    mail = writes(api, sender="boss@lead.example")
    assert (mail["from_address_email"], mail["lead"]) == ("boss@lead.example", LEAD)


def test_a_reset_forgets_the_published_things_too(api: httpx.Client, target: Target) -> None:
    hook(api, target)
    writes(api)
    name = campaign(api)
    done(api.put("/sandbox/limits", json={"per_minute": 0}))
    done(api.post("/sandbox/reset"))
    assert (listed(api), log(api)) == ([], [])
    assert done(api.get("/v2/webhooks"))["items"] == []
    assert done(api.post("/v2/leads/list", json={}))["items"] == []
    assert api.get(f"/v2/campaigns/{name}").status_code == 404
