"""How many conversations are answered within the provider's twenty lists a minute.

Run it as `PYTHONPATH=tests python -m bench.mirror`. Server, sandbox, receiver and workers are
processes; the sandbox keeps the limits that the provider publishes, and leads write to it
steadily. What is counted is what the sandbox saw in one minute.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from e2e.system import SECRET, System, eventually, running_system

from web.sandbox.names import CAMPAIGN_ID, lead_id_of

MINUTE: Final = 60.0
SETTLES_IN: Final = 8.0
"""Seconds of the same load before the minute that counts."""

LISTS: Final = "GET /v2/emails "
TEMPLATE: Final = "---\nwhen: true\n---\nHi, it is 12 € a seat.\n"
SETTINGS: Final = {
    "AUTOREPLY_API_CONTRACT": "email",
    "AUTOREPLY_HTTP_TIMEOUT": "5",
    "AUTOREPLY_LEASE": "30",
    "AUTOREPLY_SETTLE": "60",
    "AUTOREPLY_CONCURRENCY": "8",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sandbox has counted at a moment."""

    written: int
    answers: int
    lists: int
    refused: int


def address(number: int) -> str:
    """Return the address of a lead."""
    return f"lead{number}@northwind.example"


class Leads:
    """Leads that a campaign has written to, and who write back one after the other."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._http = httpx.Client(base_url=system.sandbox, timeout=10)
        self.wrote: dict[str, datetime] = {}

    def pitch(self, count: int) -> None:
        """Put the campaign's e-mails of the last hours into the sandbox."""
        for number in range(count):
            at = datetime.now(UTC) - timedelta(hours=1, seconds=number)
            mail = {
                "ue_type": 1, "subject": "A thought", "body": "Worth a chat?",
                "lead": address(number), "timestamp_created": at.isoformat(),
                "timestamp_email": at.isoformat(),
            }  # fmt: skip
            lead = lead_id_of(address(number), CAMPAIGN_ID)
            answer = self._http.put(f"/sandbox/leads/{lead}", json={"emails": [mail]})
            answer.raise_for_status()

    def write(self, number: int) -> None:
        """Have a lead write; the sandbox announces it to the receiver."""
        told = {
            "lead_email": address(number), "text": "How much is it for 12 seats?",
            "target": f"{self._system.web}/webhooks/instantly",
            "headers": {"X-Webhook-Secret": SECRET},
        }  # fmt: skip
        answer = self._http.post("/sandbox/inbound", json=told)
        answer.raise_for_status()
        mail = answer.json()["email"]
        self.wrote[mail["id"]] = datetime.fromisoformat(mail["timestamp_created"])

    def keep_writing(self, first: int, per_minute: int, over: threading.Event) -> None:
        """Have them write at a steady pace, whatever the answers, until it is over."""
        began, number = time.monotonic(), 0
        with ThreadPoolExecutor(4) as pool:
            while not over.wait(max(began + number * MINUTE / per_minute - time.monotonic(), 0.0)):
                pool.submit(self.write, first + number)
                number += 1

    def seen(self) -> Seen:
        """Return what the sandbox has counted so far."""
        counted = Counter(self._http.get("/sandbox/requests").json())
        return Seen(
            written=len(self.wrote),
            answers=len(self._http.get("/sandbox/sent").json()),
            lists=sum(n for request, n in counted.items() if request.startswith(LISTS)),
            refused=sum(n for request, n in counted.items() if request.endswith(" 429")),
        )

    def waited(self) -> list[float]:
        """Return the seconds from each e-mail to its answer."""
        sent: list[dict[str, Any]] = self._http.get("/sandbox/sent").json()
        answered = {mail["reply_to_uuid"]: datetime.fromisoformat(mail["at"]) for mail in sent}
        return [(at - self.wrote[mail]).total_seconds() for mail, at in answered.items()]


def measure(folder: Path, per_minute: int, workers: int) -> tuple[Seen, Seen, list[float]]:
    """Return what was counted before and after the minute, and how long answers took."""
    (folder / "templates").mkdir()
    (folder / "templates/price.j2").write_text(TEMPLATE)
    templates = {"AUTOREPLY_TEMPLATES": str(folder / "templates")}

    def pitch(system: System) -> None:
        Leads(system).pitch(per_minute * 6 // 5)

    with running_system(folder, workers=workers, before=pitch, **SETTINGS, **templates) as system:
        leads = Leads(system)
        httpx.put(f"{system.sandbox}/sandbox/limits", json={}).raise_for_status()
        over = threading.Event()
        writing = threading.Thread(target=leads.keep_writing, args=(1, per_minute, over))
        leads.write(0)
        eventually(lambda: leads.seen().answers, within=60)
        writing.start()
        time.sleep(SETTLES_IN)
        before = leads.seen()
        time.sleep(MINUTE)
        after = leads.seen()
        over.set()
        writing.join()
        return before, after, leads.waited()


def main() -> None:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-minute", type=int, default=330, help="e-mails that leads write")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        before, after, waited = measure(Path(name), options.per_minute, options.workers)
    waited.sort()
    print(f"written            {after.written - before.written:>6}")
    print(f"answered           {after.answers - before.answers:>6}")
    print(f"lists of e-mails   {after.lists - before.lists:>6}")
    print(f"429                {after.refused:>6}")
    print(f"median wait        {statistics.median(waited):>6.1f} s")
    print(f"longest of 99 %    {waited[int(len(waited) * 0.99) - 1]:>6.1f} s")


if __name__ == "__main__":
    main()
