"""The chores of a worker, put together: what keeps a workspace in order beside its events."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from worker import backfill, hookhealth, notify, writeback
from worker.backfill import BACKFILL, MISSED_SINCE, Backfill
from worker.bootstrap import (
    Shared,
    contracts_of,
    keys_of,
    make_api,
    make_client,
    make_messenger,
)
from worker.chores import Chore, ChoreThread
from worker.contracts.email.api import EmailApi
from worker.contracts.lead.api import LeadApi
from worker.domain.errors import MIRROR, NoScope, TryLater
from worker.domain.model import Mode
from worker.domain.notices import Notice
from worker.domain.record import Record
from worker.hookhealth import HOOK, HookHealth
from worker.ledger.memo import RedisMemo
from worker.ledger.redis import RedisLedger
from worker.library import Library
from worker.mirror import REFILL, Refill
from worker.notify import DIGEST, NOTIFY, Memo, Watch
from worker.settings import Settings
from worker.trouble import hold_everything
from worker.writeback import WRITE_BACK, Wanted, WriteBack

_REFILL_GRACE: Final = timedelta(seconds=5)
"""What filling the mirror takes beside its one call: waiting for the turn, and the store."""

_NOTIFY_LEASE: Final = timedelta(minutes=2)
"""Several services are told one after the other, each with some seconds to answer."""

_NO_SCOPE_WAIT: Final = 600.0

Wake = Callable[[Sequence[str]], object]
Run = Callable[[], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Workspace:
    """What the chores of one workspace are made from."""

    settings: Settings
    library: Library
    shared: Shared
    ledger: RedisLedger
    memo: Memo
    wake: Wake


def make_chores(
    settings: Settings, ledger: RedisLedger, library: Library, shared: Shared, wake: Wake
) -> list[ChoreThread]:
    """Return the chores of a worker, each in its thread.

    Args:
        settings: the workspace's.
        ledger: the workspace's.
        library: the workspace's templates.
        shared: what its workers have together.
        wake: queues events by their keys.

    Raises:
        ConfigurationError: no Redis is set, or no request can carry the key.

    """
    memo = RedisMemo(make_client(settings), name=keys_of(settings))
    own = _Workspace(
        settings=settings, library=library, shared=shared, ledger=ledger, memo=memo, wake=wake
    )
    trouble = partial(hold_everything, ledger)
    chores = [*_notifying(own), *_with_provider(own)]
    return [ChoreThread(chore, own.shared.plan, trouble=trouble) for chore in chores]


def _speaks_email(settings: Settings) -> bool:
    return EmailApi in contracts_of(settings)


def _with_provider(own: _Workspace) -> Iterator[Chore]:
    if _speaks_email(own.settings):
        yield _refilling(own)
        yield _backfilling(own)
        yield _watching_hooks(own)
    if own.settings.mode is not Mode.SHADOW:
        yield _writing_back(own)


def _refilling(own: _Workspace) -> Chore:
    refill = Refill(
        make_api(own.settings, own.shared), own.shared.mirror, lambda: own.ledger.unpark(MIRROR)
    )
    lease = 2 * own.settings.http_timeout + _REFILL_GRACE
    return Chore(name=REFILL, run=refill, every=None, lease=lease)


def _backfilling(own: _Workspace) -> Chore:
    find = Backfill(
        make_api(own.settings, own.shared),
        ledger=own.ledger,
        mirror=own.shared.mirror,
        memo=own.memo,
        refill=partial(own.shared.plan.ask, REFILL),
        wake=own.wake,
        grace=own.settings.lease,
        clock=time.time,
        public_url=own.settings.public_url,
    )
    run = _where_spoken(own, alone(find))
    return Chore(name=BACKFILL, run=run, every=backfill.EVERY, lease=backfill.LEASE)


def _watching_hooks(own: _Workspace) -> Chore:
    look = HookHealth(
        make_api(own.settings, own.shared),
        memo=own.memo,
        tell=_messenger(own.settings),
        missed=partial(_fetch_missed, own),
        clock=time.time,
        public_url=own.settings.public_url,
    )
    run = _where_spoken(own, look)
    return Chore(name=HOOK, run=run, every=hookhealth.EVERY, lease=hookhealth.LEASE)


def _fetch_missed(own: _Workspace, since: datetime | None) -> None:
    """Have the backfill run at once, from when a webhook was disabled."""
    if since:
        own.memo.remember(MISSED_SINCE, str(round(1000 * since.timestamp())))
    own.shared.plan.ask(BACKFILL)


def _writing_back(own: _Workspace) -> Chore:
    """Tell the provider what became of events; in shadow mode, where nothing leaves, that waits."""
    contract = own.settings.api_contract
    run = WriteBack(
        make_api(own.settings, own.shared),
        owed=own.ledger,
        ledger=own.ledger,
        mirror=own.shared.mirror,
        wanted=Wanted(
            is_on=lambda: own.library.current().settings.write_back,
            speaks=lambda record: _is_by_email(record, contract),
        ),
    )
    return Chore(name=WRITE_BACK, run=run, every=writeback.EVERY, lease=writeback.LEASE)


def _is_by_email(record: Record, contract: str) -> bool:
    """Say whether an event is one of contract `email`, whose calls name leads by address."""
    if contract == LeadApi.NAME or not record.lead_email:
        return False
    return contract == EmailApi.NAME or not record.lead_id


def _messenger(settings: Settings) -> Callable[[Notice], None]:
    """Return what tells the operator; without addresses the log has to do."""
    return make_messenger(settings).send if settings.notify else lambda _: None


def _where_spoken(own: _Workspace, run: Run) -> Run:
    """Leave a provider alone that, as far as is known, speaks another contract.

    With `auto`, the first event of contract `email` has the mirror filled, which shows.
    """

    def guarded() -> float | None:
        is_spoken = own.settings.api_contract == EmailApi.NAME or own.shared.mirror.view("").as_of
        return run() if is_spoken else None

    return guarded


def alone(run: Run) -> Run:
    """Have a chore wait by itself for a scope that answers do not need."""

    def guarded() -> float | None:
        try:
            return run()
        except NoScope as error:
            raise TryLater(error.reason, error.detail, wait=_NO_SCOPE_WAIT, counts=False) from error

    return guarded


def _notifying(own: _Workspace) -> list[Chore]:
    if not own.settings.notify:
        return []
    watch = Watch(own.ledger, own.memo, make_messenger(own.settings).send, time.time)
    return [
        Chore(name=NOTIFY, run=watch.look, every=notify.EVERY, lease=_NOTIFY_LEASE),
        Chore(name=DIGEST, run=watch.sum_up, every=timedelta(days=1), lease=_NOTIFY_LEASE),
    ]
