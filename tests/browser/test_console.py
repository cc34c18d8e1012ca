"""What people do on the console, in a real browser, on a desk and on a phone."""

import re

import pytest
from browser.conftest import Visitors
from browser.place import PASSWORD, Place, pages_of
from playwright.sync_api import Page, expect

from worker.domain.model import Draft
from worker.domain.progress import State

EVIL = (
    "<script>document.title='owned';alert(1)</script>"
    "<img src=x onerror=\"document.title='owned';alert(2)\">"
    "<a href=\"javascript:document.title='owned'\">click me</a>"
    "<style>body{display:none!important}</style>"
    "<form action='https://evil.example'><button>free money</button></form>"
    '"><svg onload=alert(3)> {{ 7 * 7 }} how much? http://evil.example/x'
)


def status(page: Page) -> str:
    return page.get_by_role("status").inner_text()


def test_a_wrong_password_is_refused_and_the_right_one_lets_in(
    visitors: Visitors, place: Place
) -> None:
    page = visitors.stranger()
    page.goto("/events?state=held")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{place.url}/events?state=held")
    page.get_by_role("button", name="Log out").click()
    page.goto("/")
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_draft_is_approved_and_sent_once(page: Page, place: Place) -> None:
    key = place.replies("mara")
    page.goto("/inbox")
    expect(page.get_by_text("How much is it?").last).to_be_visible()
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_role("status")).to_contain_text("leaves in 10 seconds")
    assert place.api.sent == []
    place.pass_time(11)
    assert [draft.template for _, draft in place.api.sent] == ["pricing"]
    record = place.found(key)
    assert (record.state, record.approved_by) == (State.SENT, "Sam")


def test_a_draft_is_edited_and_then_approved(page: Page, place: Place) -> None:
    place.replies("mara")
    page.goto("/inbox")
    page.get_by_label("Text").fill("Hi Mara,\n\n9 € a seat.")
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_role("status")).to_contain_text("Approved")
    place.pass_time(11)
    expected = Draft(template="by_hand", subject="Re: Your team", body="Hi Mara,\n\n9 € a seat.")
    assert [draft for _, draft in place.api.sent] == [expected]


def test_another_template_is_chosen_and_approved(page: Page, place: Place) -> None:
    place.replies("mara")
    page.goto("/inbox")
    page.get_by_label("Template").select_option("meeting")
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_label("Text")).to_have_value("Hi Mara, any time this week suits me.")
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_role("status")).to_contain_text("Approved")
    place.pass_time(11)
    assert [draft.template for _, draft in place.api.sent] == ["meeting"]


def test_an_approval_is_undone_before_it_leaves(page: Page, place: Place) -> None:
    key = place.replies("mara")
    page.goto("/inbox")
    page.get_by_role("button", name="Approve and send").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("Taken back")
    expect(page.get_by_role("heading", name="mara@lead.example")).to_be_visible()
    place.pass_time(60)
    assert place.api.sent == []
    assert place.found(key).state is State.HELD


def test_a_draft_is_skipped_and_the_next_one_shows(page: Page, place: Place) -> None:
    key = place.replies("mara")
    place.pass_time(1)
    place.replies("jon")
    page.goto("/inbox")
    expect(page.locator("#who")).to_have_text("jon@lead.example")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#who")).to_have_text("mara@lead.example")
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_role("status")).to_contain_text("mara@lead.example gets no answer")
    expect(page.locator("#who")).to_have_text("jon@lead.example")
    assert place.found(key).state is State.SKIPPED


def test_a_lead_is_never_written_to_again(page: Page, place: Place) -> None:
    place.replies("mara")
    page.goto("/inbox")
    page.get_by_text("Never write again").click()
    page.get_by_role("button", name="Yes, never again").click()
    expect(page.get_by_text("Nothing needs you.")).to_be_visible()
    key = place.replies("mara", "Can we have a call?", mail="mail-2")
    assert (place.found(key).state, place.found(key).reason) == (State.SKIPPED, "opted_out")


def test_of_two_browsers_one_wins_and_the_other_is_told(visitors: Visitors, place: Place) -> None:
    place.replies("mara")
    ann, bob = visitors.new("Ann"), visitors.new("Bob")
    for page in (ann, bob):
        page.goto("/inbox")
    bob.get_by_label("Text").fill("My own words")
    ann.get_by_role("button", name="Approve and send").click()
    expect(ann.get_by_role("status")).to_contain_text("Approved")
    bob.get_by_role("button", name="Approve and send").click()
    expect(bob.get_by_role("status")).to_contain_text("Somebody else has decided already")
    expect(bob.get_by_role("status")).to_contain_text("by Ann")
    place.pass_time(11)
    place.pass_time(120)
    assert [draft.template for _, draft in place.api.sent] == ["pricing"]


def test_everything_and_one_campaign_are_paused(page: Page, place: Place) -> None:
    page.goto("/")
    page.get_by_role("button", name="Pause everything").click()
    expect(page.get_by_role("complementary")).to_contain_text("Everything is paused")
    key = place.replies("mara", "Can we have a call?")
    assert (place.found(key).reason, place.api.sent) == ("paused", [])
    page.get_by_role("button", name="Resume everything").click()
    expect(page.get_by_role("status")).to_contain_text("1 waiting events go on")
    place.pass_time(1)
    assert len(place.api.sent) == 1
    page.get_by_label("One campaign").fill("q4")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("Campaign q4 is paused.")).to_be_visible()
    assert place.ledger.pauses() == ["q4"]


def test_while_everything_is_paused_every_page_says_so_and_leads_to_the_switch(
    page: Page, place: Place
) -> None:
    key = place.replies("mara")
    place.ledger.pause("*")
    for path in pages_of(key).values():
        page.goto(path)
        expect(page.get_by_role("complementary")).to_contain_text("nothing leaves")
    page.goto("/inbox")
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_role("status")).to_contain_text("leaves when resumed")
    place.pass_time(11)
    page.goto("/inbox")
    expect(page.get_by_role("heading", name="Leaving when resumed")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="mara")).to_contain_text("when resumed")
    page.get_by_role("link", name="To the kill switch").click()
    expect(page.get_by_role("button", name="Resume everything")).to_be_in_viewport()


def test_today_learns_by_itself_that_everything_is_paused(page: Page, place: Place) -> None:
    page.clock.install()
    page.goto("/")
    expect(page.get_by_role("complementary")).to_have_count(0)
    place.ledger.pause("*")
    page.clock.fast_forward(21_000)
    expect(page.get_by_role("complementary")).to_contain_text("nothing leaves")


def test_once_an_answer_has_left_nothing_offers_to_take_it_back(page: Page, place: Place) -> None:
    key = place.replies("mara")
    page.clock.install()
    page.goto("/inbox")
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.wait_for_load_state()
    place.pass_time(11)
    page.clock.fast_forward(10_500)
    expect(page.get_by_role("status")).to_contain_text("The answer is on its way.")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    page.keyboard.press("u")
    page.get_by_role("link", name="See what became of it").click()
    expect(page).to_have_url(f"{place.url}/event?key={key}")
    expect(page.locator(".verdict .badge")).to_have_text("answered")


def test_without_javascript_a_late_undo_is_told_that_it_is_too_late(
    visitors: Visitors, place: Place
) -> None:
    place.replies("mara")
    page = visitors.new(java_script_enabled=False)
    page.goto("/inbox")
    page.get_by_role("button", name="Approve and send").click()
    place.pass_time(11)
    page.get_by_role("button", name="Undo").click()
    assert status(page) == "Too late: it has left."


def test_the_playground_answers_while_one_types(page: Page) -> None:
    page.goto("/templates")
    page.get_by_label("First name").fill("Mara")
    page.get_by_label("Their reply").press_sequentially("Can we have a call?")
    expect(page.locator("#outlook")).to_contain_text("Hi Mara, any time this week suits me.")
    expect(page.locator("#outlook")).to_contain_text("would be answered")
    page.get_by_label("Their reply").fill("Please unsubscribe me")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#outlook")).to_contain_text("they asked us to stop")


def test_the_timeline_tells_why_a_lead_got_no_answer(page: Page, place: Place) -> None:
    place.replies("mara", "Please remove me from your list")
    page.goto("/events")
    page.get_by_label("Lead").fill("mara@lead.example")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="mara@").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("mara@lead.example")
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline.get_by_role("listitem")).to_have_count(2)
    expect(timeline).to_contain_text("they asked us to stop")
    expect(timeline).to_contain_text("asked to stop: “remove me")
    page.get_by_role("link", name=re.compile("Replay")).click()
    expect(page.get_by_role("region", name="Replay")).to_contain_text("would not be answered")


@pytest.mark.parametrize("javascript", [True, False])
def test_what_comes_from_outside_runs_nowhere(
    visitors: Visitors, place: Place, *, javascript: bool
) -> None:
    key = place.replies("mara", EVIL, reply_subject=EVIL, campaign_id=EVIL, firstName=EVIL)
    place.replies("jon", EVIL, lead_email="", lead_id=EVIL)
    quarantined = place.ledger.quarantine(EVIL, "no_identity", {})
    page = visitors.new(java_script_enabled=javascript)
    paths = ["/", "/inbox", f"/inbox?key={key}", "/events", f"/event?key={key}&replay=1",
             f"/event?key={quarantined}", "/templates", "/trouble"]  # fmt: skip
    for path in paths:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()  # no style of theirs applies
        assert "owned" not in page.title()
        theirs = page.locator(
            "main script, main style, main img, main iframe, a[href^='javascript'],"
            "a[href*='evil'], form[action*='evil'], [onerror], [onload]"
        )
        expect(theirs).to_have_count(0)
    page.goto(f"/inbox?key={key}")
    expect(page.get_by_text("<script>document.title").first).to_be_visible()  # but it is shown


def test_what_is_typed_into_the_playground_runs_nowhere(page: Page) -> None:
    page.goto("/templates")
    page.get_by_label("First name").fill(EVIL)
    page.get_by_label("Their reply").fill(EVIL)
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#outlook .badge")).to_be_visible()
    expect(page.locator("#outlook script, #outlook img, #outlook style")).to_have_count(0)
    assert "owned" not in page.title()


def test_the_keys_move_open_approve_and_undo(page: Page, place: Place) -> None:
    key = place.replies("mara")
    place.pass_time(1)
    place.replies("jon")
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.locator("#who")).to_have_text("jon@lead.example")
    page.wait_for_load_state()  # the keys are there once the script has run
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_have_text("mara@lead.example")
    page.get_by_label("Text").press("a")  # while one types, a letter is a letter
    assert place.found(key).state is State.HELD
    page.goto(f"/inbox?key={key}")
    page.keyboard.press("a")
    expect(page.get_by_role("status")).to_contain_text("Approved")
    page.wait_for_load_state()
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("Taken back")
    page.wait_for_load_state()
    page.keyboard.press("s")
    expect(page.get_by_role("status")).to_contain_text("Skipped")


def test_without_javascript_a_draft_is_approved_and_the_playground_answers(
    visitors: Visitors, place: Place
) -> None:
    place.replies("mara")
    page = visitors.new(java_script_enabled=False)
    page.goto("/inbox")
    page.get_by_role("button", name="Approve and send").click()
    assert "Approved" in status(page)
    page.goto("/templates")
    page.get_by_label("Their reply").fill("Can we have a call?")
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#outlook")).to_contain_text("would be answered")
    expect(page.get_by_label("Their reply")).to_have_value("Can we have a call?")


def test_today_comes_up_to_date_by_itself(page: Page, place: Place) -> None:
    page.clock.install()
    page.goto("/")
    came = page.locator("dt", has_text="Came in").locator("+ dd")
    expect(came).to_have_text("0")
    place.replies("mara")
    page.clock.fast_forward(21_000)
    expect(came).to_have_text("1")
