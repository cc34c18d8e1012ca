"""Whatever we ask, and whatever the sandbox answers, is what the published API's document says."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from contract.calls import CALLS, Known, calls, methods
from contract.published import DOCUMENT, REASON, Exchange, Published
from flask import Flask, Response, request
from integration.serving import client_of, running

from web.sandbox import Sandbox, create_app
from worker.contracts.zones import ZONES

pytestmark = pytest.mark.skipif(not DOCUMENT.is_file(), reason=REASON)
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
KEY = {"Authorization": "Bearer any"}


@pytest.fixture(scope="module")
def published() -> Published:
    return Published()


@pytest.fixture
def exchanges() -> list[Exchange]:
    return []


@pytest.fixture
def url(exchanges: list[Exchange]) -> Iterator[str]:
    """Serve a sandbox whose calls of the published API are written down."""
    app = create_app(Sandbox(clock=lambda: NOW))
    with running(written_down(app, exchanges)) as address:
        yield address


@pytest.fixture
def api(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=KEY, timeout=5, trust_env=False) as client:
        yield client


def written_down(app: Flask, exchanges: list[Exchange]) -> Flask:
    def write(answer: Response) -> Response:
        if request.path.startswith("/v2/"):
            exchange = Exchange(
                method=request.method.lower(),
                path=f"/api{request.path}",
                query=request.args.to_dict(),
                headers=dict(request.headers),
                body=request.get_data() or None,
                status_code=answer.status_code,
                data=answer.get_data(),
            )
            exchanges.append(exchange)
        return answer

    app.after_request(write)
    return app


def known(api: httpx.Client) -> Known:
    """Put into the sandbox what the calls ask for."""
    campaign = {"name": "c", "campaign_schedule": {"schedules": [SCHEDULE]}}
    campaign_id = api.post("/v2/campaigns", json=campaign).json()["id"]
    told = {"lead_email": "ann@lead.example", "text": "How much?", "campaign_id": campaign_id}
    mail = api.post("/sandbox/inbound", json=told).json()["email"]
    hook = api.post(
        "/v2/webhooks", json={"target_hook_url": f"{str(api.base_url).rstrip('/')}/nobody"}
    )
    api.post("/sandbox/inbound", json=told | {"text": "And?"}).raise_for_status()
    return Known(
        mail_id=mail["id"],
        thread_id=mail["thread_id"],
        mailbox=mail["eaccount"],
        lead_email=mail["lead"],
        lead_id=mail["lead_id"],
        campaign_id=campaign_id,
        hook_id=hook.json()["id"],
    )


SCHEDULE = {
    "name": "s",
    "timing": {"from": "09:00", "to": "17:00"},
    "days": {"1": True},
    "timezone": "America/Detroit",
}


def test_every_call_of_the_product_is_among_those_that_are_judged() -> None:
    assert methods() == {name.partition(",")[0] for name in CALLS} - {
        "EmailApi.thread",
        "EmailApi.reply",
    }


@pytest.mark.parametrize("name", CALLS)
def test_the_document_allows_the_request_and_the_sandboxs_answer(
    name: str, published: Published, exchanges: list[Exchange], url: str, api: httpx.Client
) -> None:
    there = known(api)
    made = len(exchanges)
    with client_of(url) as client:
        calls(client, there)[name]()
    assert len(exchanges) > made
    assert [problem for one in exchanges for problem in published.problems(one)] == []


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v2/emails", "wrong-key", 401),
        ("/v2/emails", "no-plan", 402),
        ("/v2/emails/019ab6d2-4c77-7e10-a1b2-c3d4e5f60718", "any", 404),
        ("/v2/emails", "any", 429),
    ],
)
def test_the_document_allows_the_sandboxs_errors(
    published: Published, exchanges: list[Exchange], api: httpx.Client, path: str, key: str,
    status: int,
) -> None:  # fmt: skip
    if status == 429:
        api.put("/sandbox/limits", json={"list_per_minute": 0}).raise_for_status()
    answer = api.get(path, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == status
    assert published.problems(exchanges[-1]) == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "2"}, {"limit": "1", "sort_order": "asc"}, {"search": "ann@lead.example"},
        {"is_unread": "true", "latest_of_thread": "true"}, {"preview_only": "true"},
        {"email_type": "manual"}, {"max_timestamp_created": "2026-11-20T14:32:10.901Z"},
    ],
    ids=lambda query: next(iter(query)),
)  # fmt: skip
def test_the_document_allows_every_list_of_the_sandbox(
    published: Published, exchanges: list[Exchange], api: httpx.Client, query: dict[str, str]
) -> None:
    known(api)
    assert api.get("/v2/emails", params=query).status_code == 200
    assert published.problems(exchanges[-1]) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["other", "c"]), ({"limit": "1"}, ["other"]), ({"search": "OTH"}, ["other"]),
        ({"status": "1"}, []), ({"status": "0"}, ["other", "c"]),
    ],
)  # fmt: skip
def test_the_document_allows_the_list_of_campaigns(
    published: Published, exchanges: list[Exchange], api: httpx.Client, query: dict[str, str],
    found: list[str],
) -> None:  # fmt: skip
    for name in ("c", "other"):
        campaign = {"name": name, "campaign_schedule": {"schedules": [SCHEDULE]}}
        api.post("/v2/campaigns", json=campaign).raise_for_status()
    by_lead = {"name": "by lead", "email_account_id": "a", "sequence": []}
    api.post("/v2/campaigns", json=by_lead).raise_for_status()
    answer = api.get("/v2/campaigns", params=query)
    assert [one["name"] for one in answer.json()["items"]] == found
    assert published.problems(exchanges[-1]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "post", "path": "/api/v2/emails/reply", "body": b'{"subject": "Re"}'},
        {"method": "post", "path": "/api/v2/block-lists-entries", "body": b'{"value": "a@b"}'},
        {"method": "get", "path": "/api/v2/emails", "query": {"limit": "101"}},
        {"method": "get", "path": "/api/v2/emails", "query": {"thread_id": "x"}},
        {"method": "get", "path": "/api/v2/leads/x/emails"},
        {"method": "post", "path": "/api/v2/webhooks/019ab6d2-4c77-7e10-a1b2-c3d4e5f60718/resume",
         "body": b"{}"},
    ],
)  # fmt: skip
def test_the_judge_finds_what_is_wrong(published: Published, wrong: dict[str, object]) -> None:
    plain = {"query": {}, "headers": KEY, "body": None}
    assert list(published.problems_of_request(Exchange(**plain | wrong)))  # type: ignore[arg-type]


def test_the_time_zones_are_the_documents(published: Published) -> None:
    create = published.document["paths"]["/api/v2/campaigns"]["post"]
    schema = create["requestBody"]["content"]["application/json"]["schema"]
    schedule = schema["properties"]["campaign_schedule"]["properties"]["schedules"]["items"]
    assert tuple(schedule["properties"]["timezone"]["enum"]) == ZONES
