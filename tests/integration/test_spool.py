"""The spool: nothing promised that is not on disk, nothing on disk that is lost or repeated."""

import contextlib
import errno
import fcntl
import itertools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
import redis
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from web.app import create_app
from web.receiver import Desk, Receiver
from web.spool import Drain, Spool, files
from web.spool import folder as spooling
from web.spool.delivery import Delivery, from_line, to_line
from web.spool.names import SAME_FOR, Names
from worker.domain.errors import LedgerAway
from worker.domain.progress import State
from worker.ledger.memory import MemoryLedger
from worker.ledger.redis import RedisLedger, connect

ROOT = Path(__file__).parents[2]
HOOK = "/webhooks/instantly"
SECRET = "s3cret"
START = 1_790_000_000.0
SMALLEST = {"event_type": "reply_received", "lead_id": "abc123", "reply_text": "How much is it?"}


class Crash(BaseException):
    """The process dies here; no handler may stop it."""


def reply(number: int, **more: object) -> dict[str, object]:
    """Return a reply that brings neither mail nor time, as the smallest ones do."""
    return SMALLEST | {"lead_id": f"lead-{number}"} | more


def delivery(number: int = 0) -> Delivery:
    return Delivery(json.dumps(reply(number)).encode(), {"webhook-id": f"msg_{number}"})


def away(*_: object, **__: object) -> NoReturn:
    raise LedgerAway("the ledger does not answer: refused")


@dataclass
class Site:
    """One receiver on a folder, with a clock moved by hand and a ledger that can be away."""

    folder: Path
    now: float = START
    away: bool = False
    queue: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger: Any = MemoryLedger(
            lease=60_000, retention=86_400_000, now=lambda: int(self.now * 1000)
        )
        self.start()

    def start(self) -> None:
        """Start a receiver; the one before is dead, and its files are nobody's."""
        self.spool = Spool(self.folder)
        receiving = Receiver(
            desks=[Desk(ledger=self, secrets=[SECRET])],
            publish=self.queue.append,
            spool=self.spool,
            clock=lambda: self.now,
        )
        self.drain = Drain(self.spool, receiving.record)
        self.client: FlaskClient = create_app(
            ledgers={"": self.ledger}, spool=self.spool, receiving=receiving,
            ping_broker=lambda: None, queued=lambda: 0,
        ).test_client()  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        """Stand in for the ledger."""
        return away if self.away else getattr(self.ledger, name)

    def post(self, payload: object = SMALLEST, **headers: str) -> tuple[int, dict[str, str]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = self.client.post(
            HOOK, json=payload, headers={"X-Webhook-Secret": SECRET} | named
        )
        answer: dict[str, str] = response.get_json()
        return response.status_code, answer

    def keep(self, *payloads: object) -> None:
        """Deliver while the ledger is away."""
        self.away = True
        try:
            for payload in payloads:
                assert self.post(payload) == (202, {"status": "spooled"})
        finally:
            self.away = False

    def crash(self) -> None:
        """Let the kernel do what it does when the process is killed: drop its locks."""
        files = {file.stat().st_ino for file in waiting(self.folder)}
        for number in range(3, 256):
            with contextlib.suppress(OSError):
                if os.fstat(number).st_ino in files:
                    os.close(number)
        self.start()

    def leads(self) -> Counter[str]:
        return Counter(record.lead_id for record in self.ledger.records(None, 1000))

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[1]) for line in lines if line.split()[0] == name)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "var" / "spool")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def waiting(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ndjson"))


def drained(spool: Spool) -> list[bytes]:
    bodies: list[bytes] = []

    def take(delivery: Delivery) -> bool:
        bodies.append(delivery.body)
        return True

    assert spool.drain(take)
    return bodies


# What is answered, and what becomes of it


@pytest.mark.parametrize("payload", [SMALLEST, {"lead_id": "x"}, [], reply(1, email_id="m")])
def test_with_the_ledger_away_a_delivery_is_on_disk_before_the_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, payload: object
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", lambda file: synced.append(os.fstat(file).st_size))
    site.keep(payload)
    (file,) = waiting(site.folder)
    assert synced == [file.stat().st_size]
    assert site.metric("autoreply_spooled_total") == 1
    assert site.metric("autoreply_spool_bytes") == file.stat().st_size
    assert site.ledger.records(None, 10) == []


def test_once_the_ledger_is_back_the_spool_becomes_events_and_is_empty(site: Site) -> None:
    site.keep(reply(1), reply(2, email_id="mail-2"), {"lead_id": "nobody-knows-why"})
    assert site.drain.look() == 1
    assert site.leads() == {"lead-1": 1, "lead-2": 1, "": 1}
    states = Counter(record.state for record in site.ledger.records(None, 10))
    assert states == {State.RECEIVED: 2, State.QUARANTINED: 1}
    assert len(site.queue) == 2
    assert waiting(site.folder) == []
    assert site.metric("autoreply_spool_bytes") == 0
    assert site.metric("autoreply_spooled_total") == 3


def test_a_quarantined_delivery_is_kept_as_if_it_had_come_directly(site: Site) -> None:
    site.keep({"lead_id": "x", "note": "Zoë"})
    site.drain.look()
    (record,) = site.ledger.records(None, 10)
    direct = site.post({"lead_id": "x", "note": "Zoë"})[1]
    assert direct["key"] == record.key
    assert SECRET not in str(record.deliveries)


def test_while_the_ledger_is_away_the_spool_stays_and_few_files_are_made(site: Site) -> None:
    for number in range(5):
        site.keep(reply(number))
        site.away = True
        assert site.drain.look() == 1
    assert len(waiting(site.folder)) == 2
    site.away = False
    site.drain.look()
    assert site.leads() == {f"lead-{number}": 1 for number in range(5)}
    assert waiting(site.folder) == []


def test_a_delivery_that_fails_stays_and_keeps_no_other_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.keep(reply(0), reply(1), reply(2))
    accept = site.ledger.accept

    def broken(event: Any, payload: str) -> Any:
        if event.lead_id == "lead-1":
            raise RuntimeError
        return accept(event, payload)

    monkeypatch.setattr(site.ledger, "accept", broken)
    assert site.drain.look() == 30
    assert site.leads() == {"lead-0": 1, "lead-2": 1}
    monkeypatch.undo()
    assert site.drain.look() == 1
    assert site.leads() == {"lead-0": 1, "lead-1": 1, "lead-2": 1}
    assert waiting(site.folder) == []


def test_a_failing_disk_does_not_end_the_drain(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.keep(SMALLEST)
    monkeypatch.setattr(Path, "unlink", no_space)
    assert site.drain.look() == 30
    monkeypatch.undo()
    assert site.drain.look() == 1
    assert site.leads() == {"abc123": 1}


# One event, whatever is repeated


@pytest.mark.parametrize(
    "payload",
    [
        SMALLEST,
        {"event_type": "reply_received", "lead_id": "abc123"},
        {"event_type": "lead_interested", "lead_id": "abc123", "reply_text": "Yes"},
        SMALLEST | {"timestamp": "2026-09-01T10:00:00Z"},
        SMALLEST | {"email_id": "mail-1"},
        {"event_type": "lead_unsubscribed", "lead_id": "abc123"},
        {"event_type": "email_opened", "lead_id": "abc123"},
        {"event_type": "something_new", "lead_id": "abc123"},
        {"lead_id": "abc123"},
    ],
)
@pytest.mark.parametrize("start", [START, START // SAME_FOR * SAME_FOR + SAME_FOR - 1])
def test_what_is_spooled_twice_and_drained_twice_is_one_event(
    site: Site, monkeypatch: pytest.MonkeyPatch, payload: object, start: float
) -> None:
    site.now = start
    site.keep(payload)
    site.now += SAME_FOR - 1
    site.keep(payload)
    monkeypatch.setattr(Path, "unlink", no_space)
    site.drain.look()
    monkeypatch.undo()
    untick(site.folder)
    site.now += 3600
    site.drain.look()
    assert waiting(site.folder) == []
    assert len(site.ledger.records(None, 10)) == 1


def untick(folder: Path) -> None:
    """Take back what a power cut takes back: marks that were never synced."""
    for file in waiting(folder):
        file.write_bytes(file.read_bytes().replace(b'{"done":1', b'{"done":0'))


def test_a_lead_that_says_the_same_in_the_next_outage_is_heard_again(site: Site) -> None:
    for _ in range(2):
        site.keep(SMALLEST)
        site.drain.look()
        site.now += SAME_FOR + 1
    assert site.leads() == {"abc123": 2}


def test_different_replies_of_one_lead_are_different_events(site: Site) -> None:
    site.keep(SMALLEST, SMALLEST | {"reply_text": "And for a year?"})
    site.drain.look()
    assert site.leads() == {"abc123": 2}


def test_a_delivery_that_came_directly_and_by_the_spool_is_one_event(site: Site) -> None:
    site.post(SMALLEST)
    site.keep(SMALLEST)
    site.now += 60
    site.drain.look()
    assert site.leads() == {"abc123": 1}


def test_a_delivery_with_an_id_of_its_own_keeps_it(site: Site) -> None:
    site.away = True
    site.post(SMALLEST, webhook_id=" msg_7 ")
    site.away = False
    site.drain.look()
    assert [record.key for record in site.ledger.records(None, 10)] == ["msg_7"]


def test_only_what_has_no_name_gets_one() -> None:
    names = Names()
    assert names.name(SMALLEST, "", START).startswith("spool-")
    assert names.name(SMALLEST, "msg_1", START) == "msg_1"
    dated: list[object] = [SMALLEST | {"timestamp": "2026-09-01"}, SMALLEST | {"email_id": "m"}]
    for payload in (*dated, {}, []):
        assert names.name(payload, "", START) == ""


def test_a_name_holds_for_ten_minutes_in_one_receiver_and_is_the_same_in_two() -> None:
    start = START // SAME_FOR * SAME_FOR
    names = Names()
    late = names.name(SMALLEST, "", start + 599)
    assert names.name(SMALLEST, "", start + 599 + 599) == late
    assert names.name(SMALLEST, "", start + 599 + 601) != late
    assert Names().name(SMALLEST, "", start + 5) == Names().name(SMALLEST, "", start + 595)
    assert len(names._given) == 1


# A disk that is full or failing


def no_space(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def half(file: int, data: bytes, at: int) -> int:
    os.lseek(file, at, os.SEEK_SET)
    return os.write(file, data[: len(data) // 2])


def half_and_full(file: int, data: bytes, at: int) -> NoReturn:
    half(file, data, at)
    no_space()


BROKEN: dict[str, Callable[..., Any]] = {
    "pwrite": no_space, "fdatasync": no_space, "open": no_space, "fsync": no_space,
    "short": half, "half": half_and_full,
}  # fmt: skip


@pytest.mark.parametrize(
    ("what", "first"),
    [*((what, True) for what in BROKEN),
     *((what, False) for what in ("pwrite", "fdatasync", "short", "half"))],
)  # fmt: skip
def test_what_the_disk_does_not_take_is_refused_and_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, what: str, *, first: bool
) -> None:
    if not first:
        site.keep(reply(1))
    before = [file.read_bytes() for file in waiting(site.folder)] or [b""]
    name = what if hasattr(os, what) else "pwrite"
    site.away = True
    with monkeypatch.context() as patch:
        patch.setattr(os, name, BROKEN[what])
        status, answer = site.post(reply(2))
    assert (status, answer["error"]) == (503, "service_unavailable")
    assert ([file.read_bytes() for file in waiting(site.folder)] or [b""]) == before
    site.keep(reply(3))
    site.drain.look()
    site.drain.look()
    assert set(site.leads()) == {"lead-3"} | ({"lead-1"} if not first else set())
    assert waiting(site.folder) == []
    assert not (site.folder / "damaged").exists()


def test_what_cannot_even_be_cut_off_is_the_last_of_its_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.keep(reply(1))
    site.away = True
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half)
        patch.setattr(os, "ftruncate", no_space)
        assert site.post(reply(2))[0] == 503
    site.keep(reply(3))
    site.drain.look()
    assert site.leads() == {"lead-1": 1, "lead-3": 1}
    assert len(list((site.folder / "damaged").iterdir())) == 1
    assert waiting(site.folder) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a tiny disk, where that is allowed at all")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S607 - wherever it is


def test_a_real_disk_that_is_full_loses_nothing_that_was_promised(tiny_disk: Path) -> None:
    site = Site(tiny_disk / "spool")
    site.away = True
    text = "How much? " * 500
    statuses = [site.post(reply(n, reply_text=text))[0] for n in range(30)]
    assert set(statuses) == {202, 503}
    (file,) = waiting(site.folder)
    assert file.read_bytes().count(b"\n") == statuses.count(202)
    assert file.read_bytes().endswith(b"\n")
    site.away = False
    site.drain.look()
    promised = [f"lead-{n}" for n, status in enumerate(statuses) if status == 202]
    assert site.leads() == Counter(promised)
    site.keep(reply(99, reply_text=text))


def test_the_limit_holds_for_all_files_together(folder: Path) -> None:
    length = len(to_line(delivery()))
    one, other = (Spool(folder, most=3 * length) for _ in range(2))
    one.write(delivery(1))
    other.write(delivery(2))
    one.write(delivery(3))
    for spool in (one, other):
        with pytest.raises(OSError, match="full"):
            spool.write(delivery(4))
    assert one.size() == other.size() == 3 * length
    assert len(drained(one)) == 2
    other.write(delivery(4))


def test_over_the_limit_the_sender_is_asked_to_come_back(site: Site) -> None:
    site.spool._most = 1
    site.away = True
    assert site.post()[0] == 503
    assert not site.folder.exists()


def test_sixty_four_mebibytes_may_wait() -> None:
    assert spooling.MOST_BYTES == 64 * 1024 * 1024


def test_folder_and_files_are_the_owners_alone(site: Site) -> None:
    before = os.umask(0)
    try:
        site.keep(SMALLEST)
        (site.folder / "x.ndjson").write_bytes(b"torn")
        site.drain.look()
        site.keep(SMALLEST)
    finally:
        os.umask(before)
    paths = [site.folder.parent, site.folder, *site.folder.rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()}
    assert modes == {0o700}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()}
    assert modes == {0o600}


# Lines


@given(st.binary(), st.dictionaries(st.text(), st.text()))
def test_a_line_brings_back_every_byte(body: bytes, headers: dict[str, str]) -> None:
    line = to_line(Delivery(body, headers))
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    json.loads(line)
    assert from_line(line) == (Delivery(body, headers), False)


def test_no_damage_to_a_line_goes_unseen() -> None:
    line = to_line(delivery())
    for at in range(len(line)):
        assert from_line(line[:at]) is None
        changed = from_line(line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :])
        assert changed is None or changed == (delivery(), True)


@pytest.mark.parametrize("torn", [b"{", b"\0" * 4096, to_line(delivery(9))[:-1], b"\xff\n", b"\n"])
def test_a_torn_last_line_is_kept_aside_once_and_the_others_are_taken(
    folder: Path, torn: bytes
) -> None:
    spool = Spool(folder)
    spool.write(delivery(1))
    (file,) = waiting(folder)
    file.write_bytes(file.read_bytes() + torn)
    assert not spool.drain(lambda _: False)
    (kept,) = (folder / "damaged").iterdir()
    first = kept.stat()
    assert drained(spool) == [delivery(1).body]
    assert list((folder / "damaged").iterdir()) == [kept]
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
    assert kept.read_bytes() == torn
    assert waiting(folder) == []


def test_a_line_that_the_disk_changed_is_kept_aside_and_the_others_are_taken(folder: Path) -> None:
    spool = Spool(folder)
    for number in range(3):
        spool.write(delivery(number))
    (file,) = waiting(folder)
    file.write_bytes(file.read_bytes().replace(b"lead-1", b"lead-7"))
    assert drained(spool) == [delivery(0).body, delivery(2).body]
    (kept,) = (folder / "damaged").iterdir()
    assert b"lead-7" in kept.read_bytes()


# Whose file it is


def test_a_living_receivers_file_is_left_to_it(folder: Path) -> None:
    owner, other = Spool(folder), Spool(folder)
    owner.write(delivery())
    assert drained(other) == []
    assert drained(owner) == [delivery().body]
    assert drained(other) == []


def test_a_file_is_found_by_nobody_before_its_owner_holds_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = Spool(folder), Spool(folder)
    lock = fcntl.flock
    tries = itertools.count()

    def late(file: int, how: int) -> None:
        if how == fcntl.LOCK_EX and next(tries) == 0:
            assert drained(other) == []
            assert waiting(folder) == []
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    owner.write(delivery())
    assert drained(owner) == [delivery().body]


def test_a_file_that_another_drain_has_just_finished_is_passed_over(folder: Path) -> None:
    owner = Spool(folder)
    owner.write(delivery())
    owner._let_go()
    (file,) = waiting(folder)
    opened = os.open

    def slow(path: Path, how: int) -> int:
        found = opened(path, how)
        path.unlink()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", slow)
        with files.held(file) as held:
            assert held is None


def test_threads_that_write_while_others_drain_lose_and_repeat_nothing(folder: Path) -> None:
    spool, taken = Spool(folder), Counter[bytes]()
    over = threading.Event()

    def take(delivery: Delivery) -> bool:
        taken[delivery.body] += 1
        return True

    def drain() -> None:
        while not over.is_set():
            spool.drain(take)

    def write(first: int) -> None:
        for number in range(first, first + 100):
            spool.write(delivery(number))

    drainer = threading.Thread(target=drain)
    writers = [threading.Thread(target=write, args=(100 * n,)) for n in range(4)]
    for thread in (drainer, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    drainer.join()
    spool.drain(take)
    assert taken == Counter(delivery(number).body for number in range(400))


# A crash at every step


@dataclass
class Tripwire:
    """Dies before or after the n-th call of whatever it was laid round."""

    left: int
    after: bool
    calls: list[str] = field(default_factory=list)

    def lay(self, patch: pytest.MonkeyPatch, where: object, name: str) -> None:
        real = getattr(where, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            self.left -= 1
            if self.left == 0 and not self.after:
                raise Crash
            try:
                return real(*args, **kwargs)
            finally:
                if self.left == 0:
                    raise Crash

        patch.setattr(where, name, call)


def lay_everywhere(wire: Tripwire, patch: pytest.MonkeyPatch, site: Site) -> None:
    for where, names in (
        (site.ledger, ("accept", "quarantine")),
        (os, ("pwrite", "open", "close", "fsync", "fdatasync", "ftruncate")),
        (Path, ("unlink", "replace", "iterdir")),
        (fcntl, ("flock",)),
    ):
        for name in names:
            wire.lay(patch, where, name)


STORY = (
    reply(1), reply(2), {"lead_id": "nobody-knows-why"}, reply(2), reply(3, email_id="mail-3"),
    {"event_type": "reply_received", "lead_id": "lead-4"},
)  # fmt: skip
TORN = to_line(delivery(9))[:50]
TOLD = {"lead-1": 1, "lead-2": 1, "lead-3": 1, "lead-4": 1, "": 1}


def tell(site: Site) -> None:
    """Leave a dead receiver's file with a torn end, and one of our own."""
    site.keep(*STORY[:3])
    (file,) = waiting(site.folder)
    site.crash()
    file.write_bytes(file.read_bytes() + TORN)
    site.keep(*STORY[3:])


def steps_of_a_drain(folder: Path) -> list[str]:
    site, wire = Site(folder), Tripwire(0, after=False)
    tell(site)
    with pytest.MonkeyPatch.context() as patch:
        lay_everywhere(wire, patch, site)
        site.drain.look()
    return wire.calls


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("power_cut", [False, True])
def test_a_crash_at_any_step_of_a_drain_loses_and_repeats_nothing(
    tmp_path: Path, *, after: bool, power_cut: bool
) -> None:
    steps = steps_of_a_drain(tmp_path / "all")
    assert len(steps) > 25
    for number, step in enumerate(steps, 1):
        site = Site(tmp_path / str(number))
        tell(site)
        with pytest.MonkeyPatch.context() as patch:
            lay_everywhere(Tripwire(number, after=after), patch, site)
            with pytest.raises(Crash):
                site.drain.look()
        if power_cut:
            untick(site.folder)
        site.crash()
        site.now += 7200
        assert site.drain.look() == 1
        assert site.leads() == TOLD, f"{step} ({number})"
        assert waiting(site.folder) == []
        (kept,) = (f for f in (site.folder / "damaged").iterdir() if not f.suffix)
        assert kept.read_bytes() == TORN


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step_of_writing_keeps_what_was_promised(
    tmp_path: Path, *, after: bool
) -> None:
    for number in range(1, 30):
        site = Site(tmp_path / str(number))
        promised: Counter[str] = Counter()
        with pytest.MonkeyPatch.context() as patch:
            wire = Tripwire(number, after=after)
            for name in ("pwrite", "open", "close", "fsync", "fdatasync"):
                wire.lay(patch, os, name)
            wire.lay(patch, fcntl, "flock")
            try:
                for lead in range(3):
                    site.keep(reply(lead))
                    promised[f"lead-{lead}"] += 1
            except Crash:
                site.crash()
        site.drain.look()
        assert promised <= site.leads()
        assert max(site.leads().values(), default=0) <= 1
        assert waiting(site.folder) == []


# Two real processes


DRAINS = """
import sys
from pathlib import Path
from web.spool import Drain
from web.receiver import Desk, Receiver
from web.spool import Spool
from worker.ledger.redis import RedisLedger, connect

ledger = RedisLedger(connect(sys.argv[2]), lease=60_000, retention=86_400_000)
spool = Spool(Path(sys.argv[1]))
desks = [Desk(ledger=ledger, secrets=["x"])]
receiving = Receiver(desks=desks, publish=lambda key: None, spool=spool)
drain = Drain(spool, receiving.record)
print("ready", flush=True)
sys.stdin.readline()
while spool.size():
    drain.look()
"""


def start_drain(folder: Path, url: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", DRAINS, str(folder), url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def spool_files(folder: Path, count: int, each: int) -> None:
    """Leave the files of receivers that are dead; deliveries are named as receivers do."""
    names = Names()
    for start in range(0, count * each, each):
        spool = Spool(folder)
        for number in range(start, start + each):
            payload = reply(number)
            headers = {"webhook-id": names.name(payload, "", START)}
            spool.write(Delivery(json.dumps(payload).encode(), headers))
        spool._let_go()


def once_each(url: str, count: int) -> None:
    ledger = RedisLedger(connect(url), lease=60_000, retention=86_400_000)
    records = ledger.records(None, 10_000)
    assert Counter(r.lead_id for r in records) == Counter(f"lead-{n}" for n in range(count))
    assert {outcome: n for outcome, n in ledger.outcomes().items() if outcome[0] == "received"} == {
        ("received", "reply_received"): count
    }


@pytest.mark.usefixtures("redis_client")
def test_two_receivers_that_drain_at_once_share_the_work(folder: Path, valkey_url: str) -> None:
    spool_files(folder, count=20, each=20)
    processes = [start_drain(folder, valkey_url) for _ in range(2)]
    for process in processes:
        go(process)
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    once_each(valkey_url, 400)
    assert waiting(folder) == []
    ledger = RedisLedger(connect(valkey_url), lease=60_000, retention=86_400_000)
    assert ledger.outcomes().get(("duplicate", "reply_received"), 0) == 0


def test_a_receiver_killed_while_it_drains_leaves_the_rest_to_another(
    folder: Path, valkey_url: str, redis_client: redis.Redis
) -> None:
    spool_files(folder, count=3, each=300)
    first = start_drain(folder, valkey_url)
    go(first)
    while int(redis_client.zcard("autoreply:{default}:events")) < 150:
        assert first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert waiting(folder)
    second = start_drain(folder, valkey_url)
    go(second)
    second.communicate(timeout=60)
    once_each(valkey_url, 900)
    assert waiting(folder) == []
