"""A plausible day of a sales team: replies, a conversation each, and what the service did.

The real pipeline decides with the real templates; only the provider is played.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from worker.contracts import webhook
from worker.domain.errors import GiveUp, OutcomeUnknown
from worker.domain.model import Direction, Draft, Message, Mode, ReplyEvent, Thread, moment
from worker.domain.rules import build
from worker.library import read_folder
from worker.pipeline import Pipeline, Rules
from worker.ports import Ledger

NOW: Final = 1_795_617_420_000
"""Wednesday, 25 November 2026, 14:37 UTC, in milliseconds."""

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_MINUTE: Final = 60_000
_PAUSED_AGO: Final = 25
_US: Final = "sam@tryacme.example"


@dataclass(frozen=True, slots=True)
class Said:
    """A reply, so many minutes ago; `fate` is what the provider does with our answer."""

    ago: int
    name: str
    company: str
    text: str
    fate: str = "posted"
    event_type: str = "reply_received"
    campaign: str = "q4-founders"

    @property
    def address(self) -> str:
        """The lead's address."""
        first, last = self.name.casefold().split()
        return f"{first}.{last}@{self.company.casefold().replace(' ', '')}.example"


DAY: Final = (
    Said(1421, "Mara Olsen", "Fjordline", "This looks useful. How much would it be for 12 people?"),
    Said(1402, "Priya Raman", "Northlight", "Please remove me from your list."),
    Said(1388, "Tom Becker", "Kaltwasser", "Not interested, thank you.", campaign="q4-agencies"),
    Said(1290, "Ana Costa", "Pinhal", "Could you send me some more information first?"),
    Said(1175, "Jon Hale", "Harborworks", "Happy to talk. Could we set up a call next week?"),
    Said(1120, "Elif Demir", "Bosphor", "I am out of the office until Monday.",
         event_type="auto_reply_received"),
    Said(1004, "Marc Dubois", "Atelier Nord", "What does it cost per seat?"),
    Said(998, "Sofia Lind", "Granit", "Sure, sounds good.", campaign="q4-agencies"),
    Said(873, "Ben Carter", "Redbrick", "Who gave you my address?"),
    Said(641, "Keiko Mori", "Asagiri", "How much is it?"),
    Said(612, "Lars Holm", "Vestby", "I'm not the right person, please write to Ida Berg."),
    Said(584, "Nina Petrov", "Sevar", "Interested. Can we talk on Friday?"),
    Said(551, "Omar Haddad", "Cedarline", "Thanks, but no thanks."),
    Said(540, "Julia Weiss", "Tannhof", "Please send me your price list.", campaign="q4-agencies"),
    Said(498, "Paul Nowak", "Wisla Data", "Maybe next year. We have no time before spring."),
    Said(471, "Grace Kim", "Hanok", "Sounds interesting! Tell me more please."),
    Said(430, "David Stein", "Lumen", "Unsubscribe"),
    Said(402, "Chloe Martin", "Rivage", "Let's schedule a call, Tuesday works."),
    Said(377, "Ivan Horvat", "Adria Soft", "How much is it for 40 seats, billed yearly?"),
    Said(341, "Emma Jensen", "Sundby", "I am on leave and will be back on 7 December.",
         event_type="lead_out_of_office"),
    Said(322, "Luca Ferri", "Montefiore", "Yes please", campaign="q4-agencies"),
    Said(287, "Hana Novak", "Labe", "What are your rates?", fate="refused"),
    Said(251, "Sean Byrne", "Glenmore", "Can you give me a ballpark for a team of eight?"),
    Said(214, "Amy Tran", "Saigon Labs", "Good timing, I would like to book a demo."),
    Said(188, "Oskar Nilsson", "Bruket", "No budget this year, sorry."),
    Said(157, "Rosa Vidal", "Mirador", "How much is it?\n\nRosa", fate="cut"),
    Said(131, "Karim Aziz", "Oasis", "Could you send some information to look at?"),
    Said(96, "Daniel Roth", "Steinwerk",
         "That is more than we pay today, and our contract runs until March. "
         "If you can match 9 € a seat I will take it to my board.\n\nDaniel"),
    Said(74, "Ingrid Dahl", "Nordkapp", "Interesting, let's have a call."),
    Said(58, "Pedro Alves", "Litoral",
         "We tried something like this two years ago and the team hated it.\n"
         "What is different now?\n\nPedro Alves\nHead of Sales, Litoral",
         campaign="q4-agencies"),
    Said(41, "Wei Zhang", "Lantern", "How much does it cost?"),
    Said(33, "Fatima Noor", "Qamar", "Does it work with our own CRM? It is home-made."),
    Said(21, "Owen Price", "Cardiff Metal", "Sounds good", campaign="q4-agencies"),
    Said(12, "Clara Fuchs", "Auwald",
         "Hi Sam, is this GDPR compliant? Our lawyers will ask where the data is kept."),
    Said(6, "Noah Smith", "Tidewater", "What would it cost for 25 users?", fate="unclear"),
)  # fmt: skip


@dataclass
class Stage:
    """The provider, played: shows each conversation, and answers as the script says."""

    now: int = NOW - 1500 * _MINUTE
    said: dict[str, Said] = field(default_factory=dict)
    posted: int = 0

    def __call__(self) -> int:
        """Return the time on the stage (milliseconds)."""
        return self.now

    def thread(self, event: ReplyEvent) -> Thread:
        """Return our first mail and their reply."""
        said = self.said[event.lead_id]
        at = NOW - said.ago * _MINUTE
        first = said.name.split()[0]
        ours = Message(
            id=f"step-{event.lead_id}",
            direction=Direction.OUTBOUND,
            at=moment(at - 1900 * _MINUTE),
            sender=_US,
            subject=f"A thought on {said.company}'s onboarding",
            text=f"Hi {first},\n\nI saw that {said.company} is hiring in sales. New people take "
            "about three months until they sell; with us it is one.\n\nWorth a look?\n\nSam",
            campaign_step=True,
        )
        theirs = Message(
            id=event.mail_id,
            direction=Direction.INBOUND,
            at=moment(at),
            sender=said.address,
            mailbox=_US,
            subject=f"Re: A thought on {said.company}'s onboarding",
            text=said.text,
        )
        return Thread((ours, theirs))

    def reply(self, event: ReplyEvent, draft: Draft, at_the_door: Callable[[], None]) -> str:  # noqa: ARG002
        """Take an answer, refuse it, or say nothing."""
        self.now += 900
        at_the_door()
        match self.said[event.lead_id].fate:
            case "refused":
                raise GiveUp("not_found", "404: the lead is gone")
            case "cut" | "unclear":
                raise OutcomeUnknown("no_answer", "cut after the request")
        self.posted += 1
        return f"01990c5e-{self.posted:04d}"


def fill(ledger: Ledger, stage: Stage) -> None:
    """Play the day: deliver each reply at its time, and have the service work on it."""
    templates = build(read_folder(TEMPLATES))
    rules = Rules(mode=Mode.SEND, max_age=timedelta(hours=72), settle=timedelta(minutes=10))
    pipeline = Pipeline(
        ledger=ledger, api_for=lambda _: stage, templates=lambda: templates, rules=rules,
        boot_clock=lambda: 0.0,
    )  # fmt: skip
    for number, said in enumerate(sorted(DAY, key=lambda s: -s.ago)):
        if said.ago < _PAUSED_AGO:
            ledger.pause("q4-agencies")
        stage.now = NOW - said.ago * _MINUTE + 2_000
        _deliver(ledger, stage, said, number)
        stage.now += 61_000 + 700 * (number % 13)
        for _ in range(3 if said.fate == "cut" else 1):
            for key in ledger.take_due(10):
                pipeline.answer(key)
            if said.fate == "cut":
                stage.now += 6 * _MINUTE
    _last_touches(ledger, stage)
    for key in ledger.take_due(10):
        pipeline.answer(key)


def _deliver(ledger: Ledger, stage: Stage, said: Said, number: int) -> None:
    first, last = said.name.split()
    payload = {
        "event_type": said.event_type,
        "timestamp": moment(stage.now).isoformat(),
        "workspace": "acme",
        "campaign_id": said.campaign,
        "campaign_name": said.campaign.replace("-", " ").title(),
        "lead_id": f"lead-{number:03d}",
        "lead_email": said.address,
        "email_account": _US,
        "email_id": f"0198f3a2-{number:04d}-7c1e",
        "reply_subject": f"Re: A thought on {said.company}'s onboarding",
        "reply_text": said.text,
        "firstName": first,
        "lastName": last,
        "companyName": said.company,
    }
    stage.said[payload["lead_id"]] = said
    ledger.accept(webhook.parse(payload), json.dumps(payload))


def _last_touches(ledger: Ledger, stage: Stage) -> None:
    stage.now = NOW - 17 * _MINUTE
    body = {"event_type": "reply_received", "timestamp": "2026-11-25T14:20:00Z",
            "reply_text": "Yes, call me", "Phone": "+45 31 00 00 00"}  # fmt: skip
    ledger.quarantine(json.dumps(body), "no_identity", {})
    stage.now = NOW
    ledger.seen_alive("autoreply-1@office")
    ledger.approve("0198f3a2-0008-7c1e", "Sam", after=9_000)
