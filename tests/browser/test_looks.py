"""Every page, at both widths and in both colour schemes: nothing cut, nothing in anybody's way."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from browser.conftest import Visitors
from browser.place import Place, pages_of
from playwright.sync_api import Page, expect

from worker.domain.progress import State
from worker.ports import Claim

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
LONG = "an.extraordinarily-long-local-part-of-an-address." * 3


@pytest.fixture
def key(place: Place) -> str:
    """Fill the place with one of everything; return an event with a history."""
    place.replies("jon", "Can we have a call?")
    place.replies("lev", "Please remove me from your list")
    claim = place.ledger.claim(accepted(place))
    assert isinstance(claim, Claim)
    place.ledger.close(claim, State.FAILED, "bad_request", detail="400: no such lead")
    place.ledger.quarantine('{"event_type": "reply_received"}', "no_identity", {})
    place.ledger.pause("other")
    place.replies("wide", "W" * 300, lead_email=f"{LONG}@lead.example", campaign_id="c" * 120)
    place.pass_time(1)
    key = place.replies("mara")
    place.ledger.pause("*")
    return key


def accepted(place: Place) -> str:
    from worker.contracts import webhook  # noqa: PLC0415 - one event that no pipeline touches

    payload = {"event_type": "reply_received", "email_id": "mail-eva", "lead_id": "lead-eva"}
    return place.ledger.accept(webhook.parse(payload), json.dumps(payload)).key


def violations(page: Page) -> list[str]:
    """Return what axe-core calls serious or worse, with the element."""
    page.add_init_script(path=AXE)
    page.reload()
    found: Any = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_used_by_everybody(
    visitors: Visitors, place: Place, key: str, scheme: Literal["light", "dark"]
) -> None:
    page = visitors.stranger(color_scheme=scheme)
    page.goto("/login")
    assert violations(page) == []
    page.context.close()
    page = visitors.new(color_scheme=scheme)
    for heading, path in pages_of(key).items():
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert violations(page) == [], path


def test_nothing_sticks_out_at_the_side(visitors: Visitors, place: Place, key: str) -> None:
    page = visitors.new()
    wide = next(r.key for r in place.ledger.records(None, 20) if LONG in r.lead_email)
    more = {f"inbox of {wide}": f"/inbox?key={wide}", f"event {wide}": f"/event?key={wide}"}
    for path in (pages_of(key) | more).values():
        page.goto(path)
        over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(over) == 0, path


def test_a_finger_can_hit_every_button(visitors: Visitors, place: Place, key: str) -> None:
    page = visitors.new()
    for path in pages_of(key).values():
        page.goto(path)
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert box is None or min(box["width"], box["height"]) >= 36, (path, button)


def test_no_page_says_anything_of_the_password(visitors: Visitors, key: str) -> None:
    page = visitors.new()
    for path in pages_of(key).values():
        page.goto(path)
        assert "correct horse" not in page.content()
