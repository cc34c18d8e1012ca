"""The console over the ledger in memory: who may come in, and what each button does."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from web.app import create_app
from web.console import Console, Door
from web.receiver import Desk, Receiver
from web.spool import Spool
from web.wsgi import make_door
from worker.contracts import webhook
from worker.domain.errors import LedgerAway
from worker.domain.model import Caps, Direction, Draft, Message, Mode, moment
from worker.domain.progress import State
from worker.domain.record import Record
from worker.domain.rules import Templates, build
from worker.ledger.memory import MemoryLedger
from worker.ledger.slots import MemorySlots
from worker.library import Showcase
from worker.ports import Attempt, Claim
from worker.settings import Settings, load

PASSWORD = "correct horse"
START = 1_790_000_000_000
LEASE = 60_000
SECOND = 1000
PRICING = """---
when: reply is mentioning("how much")
examples:
  match: ["How much is it?"]
  skip: ["How much longer?"]
---
Hi {{ lead.first_name | default("there") }}, it depends.
"""
OTHER = "---\nwhen: reply is mentioning('demo')\n---\nA demo it is."
BROKEN = "---\nwhen: reply is mentioning('never')\n---\nHi {{ lead.nickname }}"
SCRIPT = "<script>alert(1)</script>"
DRAFT = Draft(template="pricing", subject="Re: hello", body="It costs 5 €.")
NO_CAPS = Caps(per_thread=None, per_template=None, per_lead_day=None)
THREAD = (
    Message(id="out-1", direction=Direction.OUTBOUND, sender="sam@ours.example", text="Hello?"),
    Message(id="mail-1", direction=Direction.INBOUND, sender="ann@lead.example", text="How much?"),
)


@dataclass
class Site:
    """The app, its ledger and clock, and a browser."""

    now: int = START
    ledger: MemoryLedger = field(init=False)
    built: Templates = field(
        default_factory=lambda: build(
            {"pricing.j2": PRICING, "other.j2": OTHER, "broken.j2": BROKEN}
        )
    )
    woken: list[str] = field(default_factory=list)
    console: Console = field(init=False)
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger(lease=LEASE, retention=86_400_000, now=lambda: self.now)
        self.console = Console(
            ledger=self.ledger,
            door=self.door(),
            templates=lambda: self.built,
            checks=lambda: {"ledger": "ok", "broker": "refused"},
            wake=self.woken.append,
            clock=lambda: self.now / 1000,
        )
        self.app = self.make()

    def door(self, password: str = PASSWORD, key: bytes = b"k" * 32) -> Door:
        slots = MemorySlots(now=lambda: float(self.now))
        return Door(password=password, key=key, turns=slots.reserve, clock=lambda: self.now / 1000)

    def make(self, **changes: Any) -> Flask:
        spool = Spool(Path("/dev/null/spool"))
        return create_app(
            ledgers={"": self.ledger},
            spool=spool,
            receiving=Receiver(
                desks=[Desk(ledger=self.ledger, secrets=["s3cret"])],
                publish=self.woken.append,
                spool=spool,
            ),
            ping_broker=lambda: None,
            queued=lambda: 0,
            pages=replace(self.console, **changes),
        )

    def deliver(self, key: str = "mail-1", **more: Any) -> str:
        payload = {
            "event_type": "reply_received", "email_id": key, "lead_id": f"lead-{key}",
            "lead_email": "ann@lead.example", "campaign_id": "camp", "reply_text": "How much?",
            "firstName": "Ann",
        } | more  # fmt: skip
        return self.ledger.accept(webhook.parse(payload), json.dumps(payload)).key

    def claimed(self, key: str) -> Claim:
        claim = self.ledger.claim(key)
        assert isinstance(claim, Claim)
        return claim

    def hold(
        self, key: str = "mail-1", draft: Draft | None = DRAFT,
        thread: tuple[Message, ...] = THREAD, **more: Any,
    ) -> Record:  # fmt: skip
        claim = self.claimed(self.deliver(key, **more))
        self.ledger.close(
            claim, State.HELD, "needs_approval", detail="look", draft=draft, thread=thread
        )
        return self.found(key)

    def found(self, key: str = "mail-1") -> Record:
        record = self.ledger.record(key)
        assert record
        return record


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def browser(site: Site) -> "Browser":
    return Browser(site.app.test_client()).log_in()


@dataclass
class Browser:
    """Follows forms as a browser does, with the token that each page has."""

    client: FlaskClient

    def get(self, path: str) -> TestResponse:
        return self.client.get(path)

    def token(self, path: str = "/login") -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(path).text)
        assert found
        return found[1]

    def post(self, path: str, *, follow: bool = True, **form: str) -> TestResponse:
        form = {name.rstrip("_"): value for name, value in form.items()}
        form.setdefault("csrf_token", self.token())
        return self.client.post(path, data=form, follow_redirects=follow)

    def log_in(self, password: str = PASSWORD, **more: str) -> "Browser":
        self.post("/login", password=password, **{"who": "Sam", **more})
        return self

    def order(self, name: str, record: Record, **more: str) -> str:
        """Press a button of a page that showed this record; return what is said."""
        form = {"key": record.key, "seen": str(record.token), "from": "inbox"} | more
        return said(self.post(f"/orders/{name}", **form))


def said(page: TestResponse) -> str:
    assert page.status_code == 200, page.text
    found = re.findall(r"<span>(.*?)</span>", page.text.partition('class="said"')[2], re.DOTALL)
    return str(found[0]) if found else ""


PAGES = ("/", "/inbox", "/events", "/event?key=mail-1", "/templates", "/trouble", "/events.csv")
BUTTONS = (
    "/orders/approve", "/orders/skip", "/orders/suppress", "/orders/take_back", "/orders/retry",
    "/switch", "/templates", "/logout",
)  # fmt: skip


# The door


@pytest.mark.parametrize("path", PAGES)
def test_a_stranger_is_led_to_the_login_and_sees_nothing(site: Site, path: str) -> None:
    site.hold()
    answer = site.app.test_client().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?to=")
    assert "ann@lead.example" not in answer.text


@pytest.mark.parametrize("path", BUTTONS)
def test_a_stranger_can_press_no_button_even_with_a_token(site: Site, path: str) -> None:
    site.hold()
    stranger = Browser(site.app.test_client())
    answer = stranger.post(path, follow=False, key="mail-1", scope="*", on="1", text="How much?")
    assert answer.status_code == 302
    assert site.found().state is State.HELD
    assert site.ledger.pauses() == []


@pytest.mark.parametrize("path", [*BUTTONS, "/login"])
def test_no_button_works_without_its_token(site: Site, browser: Browser, path: str) -> None:
    site.hold()
    for token in ("", "forged"):
        answer = browser.post(path, csrf_token=token, key="mail-1", scope="*", on="1")
        assert answer.status_code == 400
    assert site.found().state is State.HELD
    assert site.ledger.pauses() == []
    assert browser.get("/").status_code == 200  # nobody else can log them out


def test_the_right_password_lets_in_and_leads_to_where_one_wanted_to_be(site: Site) -> None:
    browser = Browser(site.app.test_client())
    answer = browser.post("/login", follow=False, password=PASSWORD, to="/events?state=held")
    assert answer.headers["Location"] == "/events?state=held"
    assert browser.get("/").status_code == 200


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/\\evil.example", "x",
                                "/\t/evil.example", "javascript:alert(1)", ""])  # fmt: skip
def test_the_login_leads_to_no_other_site(site: Site, to: str) -> None:
    answer = Browser(site.app.test_client()).post("/login", follow=False, password=PASSWORD, to=to)
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "\ud800"])
def test_a_wrong_password_lets_nobody_in(site: Site, password: str) -> None:
    browser = Browser(site.app.test_client())
    token = browser.token()
    answer = browser.post(
        "/login", csrf_token=token, password=password.encode("utf-8", "replace").decode()
    )
    assert answer.status_code == 401
    assert browser.get("/").status_code == 302


def test_after_five_tries_one_has_to_wait_even_with_the_right_password(site: Site) -> None:
    browser = Browser(site.app.test_client())
    answers = [browser.post("/login", password="wrong").status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    refused = browser.post("/login", password=PASSWORD)
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    site.now += 11 * SECOND
    assert browser.post("/login", follow=False, password=PASSWORD).status_code == 302


def test_whoever_tries_from_elsewhere_shuts_nobody_out(site: Site) -> None:
    for _ in range(6):
        Browser(site.app.test_client()).post("/login", password="wrong")
    client = site.app.test_client()
    client.environ_base["REMOTE_ADDR"] = "10.1.2.3"
    assert Browser(client).post("/login", follow=False, password=PASSWORD).status_code == 302


def test_many_addresses_together_have_a_limit_too(site: Site) -> None:
    statuses = []
    for number in range(70):
        client = site.app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"10.0.0.{number}"
        statuses.append(Browser(client).post("/login", password="wrong").status_code)
    assert statuses[:60] == [401] * 60
    assert set(statuses[60:]) == {429}


def test_the_cookie_is_kept_from_scripts_and_other_sites(site: Site) -> None:
    browser = Browser(site.app.test_client())
    cookie = browser.post("/login", follow=False, password=PASSWORD).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # plain HTTP on this machine


def test_the_cookie_is_secure_behind_a_proxy_that_speaks_tls(site: Site) -> None:
    client = site.app.test_client()
    client.environ_base["HTTP_X_FORWARDED_PROTO"] = "https"
    cookie = Browser(client).post("/login", follow=False, password=PASSWORD).headers["Set-Cookie"]
    assert "Secure" in cookie


def test_every_process_with_the_same_key_knows_the_cookie_and_no_other_does(site: Site) -> None:
    browser = Browser(site.app.test_client()).log_in()
    cookie = browser.client.get_cookie("autoreply")
    assert cookie
    for door, status in ((site.door(), 200), (site.door(key=b"x" * 32), 302)):
        other = site.make(door=door).test_client()
        other.set_cookie("autoreply", cookie.value)
        assert other.get("/").status_code == status


def settings(data: Path, password: str = PASSWORD) -> Settings:
    return load({}, data=data, admin_password=password, redis_url="redis://127.0.0.1:1/0")


def test_all_processes_of_a_machine_make_the_same_key_and_no_other_machine_does(
    tmp_path: Path,
) -> None:
    with ThreadPoolExecutor(8) as processes:
        doors = list(processes.map(lambda _: make_door(settings(tmp_path / "var")), range(8)))
    assert len({door.key for door in doors}) == 1
    assert (tmp_path / "var" / "console_key").stat().st_mode & 0o077 == 0
    others = (settings(tmp_path / "other"), settings(tmp_path / "var", "another password"))
    assert doors[0].key not in {make_door(other).key for other in others}


def test_where_nothing_can_be_kept_the_password_alone_makes_the_key() -> None:
    nowhere = settings(Path("/dev/null/var"))
    assert make_door(nowhere).key == make_door(nowhere).key


def test_a_login_ends_after_twelve_hours(site: Site, browser: Browser) -> None:
    site.now += 12 * 3600 * SECOND - 1
    assert browser.get("/").status_code == 200
    site.now += 2
    assert browser.get("/").status_code == 302


def test_whoever_logs_out_is_out(browser: Browser) -> None:
    browser.post("/logout")
    assert browser.get("/").status_code == 302


def test_without_a_password_the_console_is_closed_and_says_how_to_open_it(site: Site) -> None:
    client = site.make(door=site.door(password="")).test_client()
    for path in ("/", "/login", "/inbox"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "AUTOREPLY_ADMIN_PASSWORD" in answer.text
    assert client.post("/login", data={"password": ""}).status_code == 503
    assert client.get("/healthz").status_code == 200
    sent = client.post(
        "/webhooks/instantly", headers={"X-Webhook-Secret": "s3cret"},
        json={"event_type": "reply_received", "lead_id": "a", "reply_text": "Hi"},
    )  # fmt: skip
    assert sent.status_code == 202


def test_webhooks_need_no_token_and_no_login(site: Site) -> None:
    answer = site.app.test_client().post(
        "/webhooks/instantly", headers={"X-Webhook-Secret": "s3cret"},
        json={"event_type": "reply_received", "lead_id": "a", "reply_text": "Hi"},
    )  # fmt: skip
    assert (answer.status_code, answer.get_json()["status"]) == (202, "queued")


@pytest.mark.parametrize("path", [*PAGES, "/login", "/event?key=none"])
def test_every_page_forbids_what_it_does_not_need(site: Site, browser: Browser, path: str) -> None:
    site.hold()
    headers = browser.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_pages_ask_for_nothing_from_elsewhere_and_have_no_inline_code(
    site: Site, browser: Browser, path: str
) -> None:
    site.hold()
    text = browser.get(path).text
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", text)


@pytest.mark.parametrize("path", PAGES)
def test_what_comes_from_outside_is_text(site: Site, browser: Browser, path: str) -> None:
    evil = SCRIPT + "<style>*{display:none}</style><a href='javascript:alert(1)'>x</a>\"'>"
    site.hold(
        reply_text=evil, campaign_id=evil, lead_email="", lead_id=evil,
        draft=Draft(template="pricing", subject=evil, body=evil),
        thread=tuple(replace(m, text=evil, subject=evil, sender=evil) for m in THREAD),
    )  # fmt: skip
    site.ledger.quarantine(evil, "no_identity", {})
    text = browser.get(path).text
    assert SCRIPT not in text or path.endswith(".csv")
    assert "<style>" not in text or path.endswith(".csv")
    assert "href='javascript" not in text or path.endswith(".csv")


# Buttons


def test_an_approved_draft_leaves_as_it_was_after_ten_seconds(site: Site, browser: Browser) -> None:
    text = browser.order("approve", site.hold(), subject=DRAFT.subject, body=DRAFT.body)
    record = site.found()
    until = f"{moment(site.now + 10 * SECOND):%H:%M:%S}"
    assert f"leaves in 10 seconds, at {until}." in text
    assert (record.state, record.reason, record.approved_by) == (State.WAITING, "approved", "Sam")
    assert (record.draft, record.template) == (DRAFT, "pricing")
    assert site.ledger.take_due(10) == []
    site.now += 10 * SECOND
    assert site.ledger.take_due(10) == ["mail-1"]


def test_a_browsers_line_ends_are_no_change(site: Site, browser: Browser) -> None:
    two = Draft(template="pricing", subject="Re: a", body="One\n\nTwo")
    browser.order("approve", site.hold(draft=two), subject="Re: a", body="One\r\n\r\nTwo\r\n")
    assert site.found().draft == two


def test_an_edited_draft_is_the_persons_own(site: Site, browser: Browser) -> None:
    browser.order("approve", site.hold(), subject="Re: hello", body="It costs 4 €.")
    expected = Draft(template="by_hand", subject="Re: hello", body="It costs 4 €.")
    assert site.found().draft == expected


def test_another_template_is_shown_and_goes_out_under_its_own_name(
    site: Site, browser: Browser
) -> None:
    record = site.hold()
    page = browser.get("/inbox?key=mail-1&template=other").text
    assert "A demo it is." in page
    assert DRAFT.body not in page
    subject = re.search(r'name="subject" value="([^"]*)"', page)
    assert subject
    browser.order("approve", record, template="other", subject=subject[1], body="A demo it is.")
    assert site.found().template == "other"


def test_a_template_that_cannot_be_filled_in_says_so_and_leaves_the_draft(
    site: Site, browser: Browser
) -> None:
    site.hold()
    page = browser.get("/inbox?key=mail-1&template=broken").text
    assert "nickname" in page
    assert DRAFT.body in page


def test_nothing_is_sent_without_a_text(site: Site, browser: Browser) -> None:
    said_back = browser.order("approve", site.hold(draft=None), subject="", body="  ")
    assert "text is empty" in said_back
    assert site.found().state is State.HELD


def test_of_two_people_who_approve_one_wins_and_the_other_is_told(
    site: Site, browser: Browser
) -> None:
    record = site.hold()
    other = Browser(site.app.test_client()).log_in(who="Kim")
    form = {"subject": DRAFT.subject, "body": DRAFT.body}
    browser.order("approve", record, **form)
    told = other.order("approve", record, **form)
    assert "That is decided already: it waits by Sam" in browser.order("approve", record, **form)
    assert "Somebody else has decided already: it waits by Sam" in told
    assert site.found().approved_by == "Sam"
    assert [line.reason for line in site.ledger.history("mail-1")].count("approved") == 1


def test_a_draft_that_changed_since_it_was_shown_is_not_approved(
    site: Site, browser: Browser
) -> None:
    record = site.hold()
    site.ledger.approve("mail-1", "Kim")
    site.ledger.take_back("mail-1", "Kim")
    told = browser.order("approve", record, subject=DRAFT.subject, body=DRAFT.body)
    assert "changed since you opened it" in told
    assert site.found().state is State.HELD


def test_an_approval_can_be_undone(site: Site, browser: Browser) -> None:
    form = {"subject": DRAFT.subject, "body": DRAFT.body, "csrf_token": browser.token()}
    page = browser.post("/orders/approve", key=site.hold().key, from_="inbox", **form).text
    assert 'value="mail-1"' in page.partition('class="said"')[2].partition("</form>")[0]
    assert "Taken back" in browser.order("take_back", site.found())
    record = site.found()
    assert (record.state, record.draft, record.approved_by) == (State.HELD, DRAFT, "")


def is_sent(site: Site, key: str = "mail-1") -> None:
    site.now += 10 * SECOND
    claim = site.claimed(key)
    attempt = Attempt(draft=DRAFT, mail=key, seen=frozenset(), mailbox="", caps=NO_CAPS)
    assert site.ledger.sending(claim, attempt) is None
    site.ledger.close(claim, State.SENT, "posted")


@pytest.mark.parametrize("name", ["take_back", "skip"])
def test_whoever_wants_to_stop_an_answer_that_has_left_is_too_late(
    site: Site, browser: Browser, name: str
) -> None:
    browser.order("approve", site.hold(), subject=DRAFT.subject, body=DRAFT.body)
    waiting = site.found()
    is_sent(site)
    assert browser.order(name, waiting) == "Too late: it has left."
    assert site.found().state is State.SENT


@pytest.mark.parametrize(("scope", "named"), [("*", "Everything"), ("camp", "Campaign camp")])
def test_while_it_is_paused_an_approved_answer_is_said_to_leave_later(
    site: Site, browser: Browser, scope: str, named: str
) -> None:
    site.ledger.pause(scope)
    told = browser.order("approve", site.hold(), subject=DRAFT.subject, body=DRAFT.body)
    assert f"{named} is paused" in told
    assert "leaves when resumed" in told
    assert "seconds" not in told


def test_what_no_api_can_answer_has_no_approve_button_and_cannot_be_approved(site: Site) -> None:
    browser = Browser(site.make(speaks=lambda event: bool(event.lead_id)).test_client()).log_in()
    record = site.hold(lead_id="")
    page = browser.get("/inbox").text
    assert "Approve and send" not in page
    assert "Answer it from the mailbox, then skip it." in page
    told = browser.order("approve", record, subject=DRAFT.subject, body=DRAFT.body)
    assert "Answer it from the mailbox, then skip it." in told
    assert site.found().state is State.HELD
    assert "gets no answer" in browser.order("skip", record)


def test_what_can_be_answered_after_a_later_webhook_can_be_approved(site: Site) -> None:
    browser = Browser(site.make(speaks=lambda event: bool(event.lead_id)).test_client()).log_in()
    site.hold(lead_id="")
    site.deliver(event_type="lead_interested")
    form = {"subject": DRAFT.subject, "body": DRAFT.body}
    assert "leaves in 10 seconds" in browser.order("approve", site.found(), **form)


def test_skip_ends_it_and_leads_to_the_next(site: Site, browser: Browser) -> None:
    record = site.hold()
    site.hold("mail-2", lead_email="bob@lead.example")
    page = browser.post(
        "/orders/skip", key="mail-1", seen=str(record.token), from_="inbox", following="mail-2"
    )
    assert page.request.path == "/inbox"
    assert 'id="who">bob@<wbr>lead.example' in page.text
    assert (site.found().state, site.found().reason) == (State.SKIPPED, "by_hand")
    assert site.ledger.history("mail-1")[-1].by == "Sam"


def test_suppress_skips_and_no_mail_of_theirs_is_answered_again(
    site: Site, browser: Browser
) -> None:
    browser.order("suppress", site.hold())
    assert site.found().state is State.SKIPPED
    for lead in ("lead-mail-1", "another"):  # by their id, and by their address
        claim = site.claimed(site.deliver(f"later-{lead}", lead_id=lead))
        assert claim.suppressed


@pytest.mark.parametrize("end", [State.FAILED, State.SKIPPED])
def test_retry_starts_again_what_ended(site: Site, browser: Browser, end: State) -> None:
    claim = site.claimed(site.deliver())
    site.ledger.close(claim, end, "why")
    assert browser.order("retry", site.found()) == "Started again."
    assert site.found().state is State.RECEIVED
    assert site.woken == ["mail-1"]


def test_a_quarantined_webhook_that_can_be_read_now_becomes_an_event(
    site: Site, browser: Browser
) -> None:
    body = json.dumps({"event_type": "reply_received", "lead_id": "l", "email_id": "late"})
    key = site.ledger.quarantine(body, "no_identity", {})
    told = browser.order("retry", site.found(key))
    assert "late" in told
    assert site.found("late").state is State.RECEIVED
    assert site.ledger.record(key) is None


@pytest.mark.parametrize("body", ["{", '{"event_type": "reply_received"}'])
def test_a_quarantined_webhook_that_cannot_be_read_stays(
    site: Site, browser: Browser, body: str
) -> None:
    key = site.ledger.quarantine(body, "no_identity", {})
    assert "does not work" in browser.order("retry", site.found(key))
    assert site.found(key).state is State.QUARANTINED
    assert "Put aside" in browser.order("skip", site.found(key))
    assert site.found(key).state is State.SKIPPED


@pytest.mark.parametrize("name", ["approve", "skip", "take_back", "retry"])
def test_a_button_that_comes_too_late_does_nothing(site: Site, browser: Browser, name: str) -> None:
    site.deliver()
    record = site.found()
    site.ledger.skip("mail-1", "Kim")
    if name == "retry":
        site.ledger.retry("mail-1", "Kim")
    told = browser.order(name, record, subject="s", body="b")
    assert "already" in told or "changed" in told


def test_an_order_that_is_none_or_about_nothing(site: Site, browser: Browser) -> None:
    assert browser.post("/orders/delete", key="mail-1").status_code == 404
    assert said(browser.post("/orders/skip", key="none")) == "That event is gone."


# The kill switch


def test_everything_is_paused_and_resumed(site: Site, browser: Browser) -> None:
    page = browser.post("/switch", scope="*", on="1")
    assert "Paused everything" in said(page)
    assert "Everything is paused" in page.text
    assert site.ledger.pauses() == ["*"]
    assert "Resumed everything" in said(browser.post("/switch", scope="*", on="0"))
    assert site.ledger.pauses() == []


def test_one_campaign_is_paused_and_resumed(site: Site, browser: Browser) -> None:
    browser.post("/switch", scope=" camp ", on="1")
    assert site.ledger.pauses() == ["camp"]
    assert "Name a campaign" in said(browser.post("/switch", scope=" ", on="1"))
    browser.post("/switch", scope="camp", on="0")
    assert site.ledger.pauses() == []


@pytest.mark.parametrize("path", [*PAGES[:-1], "/event?key=none"])
def test_every_page_says_that_everything_is_paused(site: Site, browser: Browser, path: str) -> None:
    site.hold()
    site.ledger.pause("camp")
    assert "nothing leaves" not in browser.get(path).text
    site.ledger.pause("*")
    assert "Everything is paused: nothing leaves." in browser.get(path).text


@pytest.mark.parametrize(
    ("reason", "scope", "words"),
    [
        ("paused", "*", "goes on when resumed"),
        ("paused", "camp", "goes on when resumed"),
        ("scheduled", "camp", "goes on in 1 hour, if resumed by then"),
        ("scheduled", "other", "goes on in 1 hour<"),
    ],
)
def test_an_event_says_when_it_goes_on(
    site: Site, browser: Browser, reason: str, scope: str, words: str
) -> None:
    site.ledger.pause(scope)
    claim = site.claimed(site.deliver())
    site.ledger.wait(claim, reason, until=site.now + 3600 * SECOND, draft=DRAFT)
    assert words in browser.get("/event?key=mail-1").text
    assert words.removeprefix("goes on ") in browser.get("/inbox").text


# Pages


def test_today_tells_what_came_in_what_went_out_and_why_not(site: Site, browser: Browser) -> None:
    site.hold()
    site.deliver("mail-2", event_type="lead_unsubscribed")
    claim = site.claimed(site.deliver("mail-3"))
    site.ledger.close(claim, State.SKIPPED, "too_old")
    text = re.sub(r"\s+", " ", browser.get("/").text)
    assert "<dt>Came in</dt><dd>2</dd>" in text
    assert "<dt>Not answered</dt><dd>1</dd>" in text
    assert "the mail was too old when it arrived</a> <strong>1</strong>" in text
    assert 'class="bad"><span class="lamp" aria-hidden="true"></span><strong>Broker' in text
    assert "2 came in and 0 were answered" in text


def test_the_time_to_answer_is_the_median(site: Site, browser: Browser) -> None:
    for number, seconds in enumerate((60, 120, 3600)):
        key = site.deliver(f"mail-{number}")
        site.now += seconds * SECOND
        claim = site.claimed(key)
        attempt = Attempt(draft=DRAFT, mail=key, seen=frozenset(), mailbox="", caps=NO_CAPS)
        assert site.ledger.sending(claim, attempt) is None
        site.ledger.close(claim, State.SENT, "posted")
    assert "<dd>2 minutes</dd>" in browser.get("/").text


def test_a_light_tells_that_the_api_is_left_alone(site: Site, browser: Browser) -> None:
    site.ledger.hold_off(5 * 60 * SECOND, "unauthorized")
    assert "left alone for 5 minutes" in browser.get("/").text


def test_a_light_tells_what_the_provider_says_of_our_webhook(site: Site, browser: Browser) -> None:
    assert "disabled at the provider" not in browser.get("/").text
    told = Browser(site.make(hook=lambda: "disabled").test_client()).log_in()
    assert "disabled at the provider" in told.get("/").text


def test_the_inbox_shows_the_conversation_the_draft_and_why(site: Site, browser: Browser) -> None:
    site.hold()
    text = browser.get("/inbox").text
    for wanted in ("Hello?", "How much?", DRAFT.body, "Answers like this one", "look"):
        assert wanted in text


def test_an_inbox_link_to_what_somebody_settled_says_so(site: Site, browser: Browser) -> None:
    record = site.hold()
    site.ledger.skip(record.key, "Kim")
    assert "somebody has decided already" in browser.get("/inbox?key=mail-1").text


@pytest.mark.parametrize(("query", "expected"), [
    ("", {"mail-1", "mail-2"}),
    ("lead=ANN@lead.example", {"mail-1"}),
    ("lead=lead-mail-2", {"mail-2"}),
    ("state=held", {"mail-1"}),
    ("state=HELD&reason=needs_approval&template=pricing", {"mail-1"}),
    ("campaign=else", {"mail-2"}),
    ("day=2026-09-21", {"mail-1", "mail-2"}),
    ("day=2026-09-20", set()),
])  # fmt: skip
def test_events_are_found(site: Site, browser: Browser, query: str, expected: set[str]) -> None:
    site.hold()
    site.deliver("mail-2", lead_email="bob@lead.example", campaign_id="else")
    text = browser.get(f"/events?{query}").text
    assert set(re.findall(r'href="/event\?key=([\w-]+)"', text)) == expected
    rows = browser.get(f"/events.csv?{query}").text.splitlines()[1:]
    assert {row.split(",")[0] for row in rows} == expected


@pytest.mark.parametrize("query", ["state=happy", "day=tomorrow", "day=9999-12-31"])
def test_a_filter_that_makes_no_sense_is_said(browser: Browser, query: str) -> None:
    page = browser.get(f"/events?{query}")
    assert page.status_code == 200
    assert "Left out:" in page.text


def test_events_come_page_by_page(site: Site, browser: Browser) -> None:
    for number in range(120):
        site.now += 1
        site.deliver(f"mail-{number}")
    path, seen = "/events?campaign=camp", []
    for _ in range(3):
        text = browser.get(path).text
        seen += re.findall(r'href="/event\?key=([\w-]+)"', text)
        older = re.search(r'href="(/events\?after=[^"]+)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == [f"mail-{n}" for n in reversed(range(120))]
    assert path == ""
    assert browser.get("/events?after=rubbish").status_code == 400


def test_a_search_that_finds_nobody_says_what_it_wants(site: Site, browser: Browser) -> None:
    site.hold()
    wanted = "whole address or lead id"
    assert f'placeholder="{wanted}"' in browser.get("/events").text
    assert f"found by the {wanted}" in browser.get("/events?lead=ann").text
    assert "found by" not in browser.get("/events?lead=ann@lead.example").text
    assert "found by" not in browser.get("/events?state=sent").text


def test_only_reasons_can_be_asked_for(site: Site, browser: Browser) -> None:
    site.hold()
    site.deliver("mail-2", event_type="email_opened")
    site.ledger.approve("mail-1", "Sam")
    is_sent(site)
    choice = browser.get("/events").text.partition('name="reason"')[2].partition("</select>")[0]
    offered = set(re.findall(r'value="(\w+)"', choice))
    assert offered == {"needs_approval", "approved", "posted", "not_a_reply"}


def test_names_in_a_reason_stay_as_they_are_written(site: Site, browser: Browser) -> None:
    site.ledger.quarantine("[]", "not_an_object", {})
    assert "The webhook is no JSON object" in browser.get("/trouble").text
    claim = site.claimed(site.deliver())
    site.ledger.close(claim, State.HELD, "no_contract")
    assert "The webhook tells too little for the API." in browser.get("/inbox").text


def test_a_spreadsheet_runs_nothing_of_the_export(site: Site, browser: Browser) -> None:
    site.deliver("mail-1", lead_id="=HYPERLINK(1)", campaign_id="@SUM(1)")
    text = browser.get("/events.csv").text
    assert "'=HYPERLINK" in text
    assert "'@SUM" in text


def test_one_event_tells_its_whole_story(site: Site, browser: Browser) -> None:
    site.hold()
    site.now += 90 * SECOND
    site.ledger.skip("mail-1", "Kim")
    text = re.sub(r"\s+", " ", browser.get("/event?key=mail-1").text)
    for wanted in ("<strong>received</strong>", "<strong>held</strong>", "by Kim", "90.0 s later"):
        assert wanted in text
    assert browser.get("/event?key=none").status_code == 404


def test_a_replay_shows_what_todays_rules_would_do_and_sends_nothing(
    site: Site, browser: Browser
) -> None:
    site.hold()
    site.now += 7200 * SECOND
    before = site.found()
    text = browser.get("/event?key=mail-1&replay=1").text
    assert f'leaves <time datetime="{moment(site.now).isoformat()}"' in text
    assert "would be answered" in text
    assert "Hi Ann, it depends." in text
    assert site.found() == before


def test_the_playground_shows_decision_draft_and_trace(browser: Browser) -> None:
    page = browser.post("/templates", text="How much is it?", first_name="Ann").text
    for wanted in ("would be answered", "Hi Ann, it depends.", "“how much”"):
        assert wanted in page
    assert "they asked us to stop" in browser.post("/templates", text="Please unsubscribe me").text


def test_the_playground_knows_the_mode(site: Site) -> None:
    browser = Browser(site.make(mode=Mode.HOLD).test_client()).log_in()
    assert "would be held" in browser.post("/templates", text="How much is it?").text


def test_a_card_tells_hits_and_examples(site: Site, browser: Browser) -> None:
    site.hold()
    text = browser.get("/templates").text
    card = text.partition("<h3>pricing</h3>")[2].partition("</li>")[0]
    assert ">1</a>" in card
    assert "<dt>sent</dt><dd>0 % of its hits</dd>" in card
    assert "1 wrong" in card  # “How much longer?” gets it, and must not


def test_a_broken_change_is_shown(site: Site, browser: Browser) -> None:
    site.built = build({"pricing.j2": PRICING, "bad.j2": "---\nwhen: (\n---\nx"})
    text = browser.get("/templates").text
    assert "bad.j2:2" in text
    assert "bad.j2:2" in browser.get("/").text


def test_a_folder_that_never_worked_is_shown_with_what_is_wrong(tmp_path: Path) -> None:
    shown = Showcase(tmp_path / "none")
    assert "no such folder" in str(shown.current().problems[0])
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "a.j2").write_text("---\nwhen: (\n---\nx")
    assert "a.j2:2" in str(shown.current().problems[0])
    (tmp_path / "none" / "a.j2").write_text(PRICING)
    assert [rule.name for rule in shown.current().rules] == ["a"]
    assert set(shown.changes()) == {"a.j2"}


def test_doubts_and_quarantine_are_told_in_words(site: Site, browser: Browser) -> None:
    assert "All is settled." in browser.get("/trouble").text
    site.ledger.quarantine("{}", "no_identity", {})
    claim = site.claimed(site.deliver())
    site.ledger.close(claim, State.HELD, "second_doubt", draft=DRAFT)
    claim = site.claimed(site.deliver("mail-2"))
    site.ledger.close(claim, State.FAILED, "bad_request", detail="400")
    text = browser.get("/trouble").text
    for wanted in ("Only you can tell", "The webhook names nobody", "bad request"):
        assert wanted in text


def test_while_the_ledger_is_away_a_page_says_so(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise LedgerAway("the ledger does not answer")

    for name in ("hourly", "search", "records", "size", "record"):
        monkeypatch.setattr(site.ledger, name, away)
    for path in ("/", "/inbox", "/events", "/trouble"):
        page = browser.get(path)
        assert page.status_code == 503
        assert "The ledger is away" in page.text


def test_a_part_of_a_page_leads_the_whole_page_to_the_login(site: Site) -> None:
    answer = site.app.test_client().get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/login")


def test_a_name_that_is_odd_is_shown_as_text_and_cut(site: Site) -> None:
    browser = Browser(site.app.test_client()).log_in(who=f"  {SCRIPT} " + "x" * 99)
    browser.order("skip", site.hold())
    by = site.ledger.history("mail-1")[-1].by
    assert len(by) == 40
    assert SCRIPT not in browser.get("/event?key=mail-1").text
