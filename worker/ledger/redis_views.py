"""What can be seen in the ledger; nothing in here changes an event."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import redis

from worker.domain.progress import State
from worker.domain.record import HistoryLine, Record, from_fields
from worker.domain.search import Page, Place, Query, cursor, place
from worker.domain.timing import Times
from worker.ledger.redis_store import RedisStore, away
from worker.ledger.truth import Truth

HOUR_MS: Final = 3_600_000
_WORKER_SEEN_MS: Final = 30_000
_CHUNK: Final = 100
_MOST_LOOKED_AT: Final = 5_000
"""A page that is hard to fill ends after so many events; its cursor goes on from there."""


class RedisViews(RedisStore):
    """The reading half of `RedisLedger`."""

    @away
    def pauses(self) -> list[str]:
        """See `Ledger.pauses`."""
        return sorted(self._redis.hkeys(f"{self._prefix}paused"))

    @away
    def record(self, key: str) -> Record | None:
        """See `Ledger.record`."""
        fields = self._redis.hgetall(f"{self._prefix}ev:{key}")
        return from_fields(key, fields) if fields else None

    @away
    def knows(self, mail_id: str) -> bool:
        """See `Ledger.knows`."""
        names = (f"ev:{mail_id}", f"ptr:mail:{mail_id}")
        return bool(self._redis.exists(*(f"{self._prefix}{name}" for name in names)))

    @away
    def history(self, key: str) -> list[HistoryLine]:
        """See `Ledger.history`."""
        lines = self._redis.lrange(f"{self._prefix}hist:{key}", 0, -1)
        return [HistoryLine(**json.loads(line)) for line in lines]

    @away
    def records(self, state: State | None, most: int) -> list[Record]:
        """See `Ledger.records`."""
        index = f"state:{state}" if state else "events"
        keys = self._redis.zrevrange(f"{self._prefix}{index}", 0, most - 1) if most else []
        return self._read(keys)

    @away
    def search(self, query: Query, most: int, after: str = "") -> Page:
        """See `Ledger.search`."""
        last, found = place(after), list[Record]()
        walk = self._walk(self._shortest(query.lists), query, last)
        for looked_at, (key, received, row) in enumerate(walk):
            if len(found) == most or looked_at == _MOST_LOOKED_AT:
                return Page(records=found, following=cursor(last))
            last = received, key
            if query.fits(row):
                found.append(from_fields(key, row))
        return Page(records=found)

    def _shortest(self, lists: Sequence[str]) -> str:
        """Return the list that is looked through: the one with the fewest events."""
        pipeline = self._redis.pipeline(transaction=False)
        for name in lists:
            pipeline.zcard(f"{self._prefix}{name}")
        return min(zip(pipeline.execute(), lists, strict=True), default=(0, "events"))[1]

    def _walk(
        self, name: str, query: Query, last: Place | None
    ) -> Iterator[tuple[str, int, dict[str, str]]]:
        """Yield the events of a list in its order, from a place on, with their rows."""
        index = f"{self._prefix}{name}"
        newest = f"({last[0]}" if last else query.until
        start = 0 if newest is None else self._redis.zcount(index, newest, "+inf")
        while found := self._redis.zrevrange(index, start, start + _CHUNK - 1, withscores=True):
            start += _CHUNK
            places = [(key, int(score)) for key, score in found]
            after = [(k, at) for k, at in places if last is None or (at, k) < last]
            rows = zip(after, self._rows_of(key for key, _ in after), strict=True)
            for (key, at), row in rows:
                if at < query.since:
                    return
                if row:
                    yield key, at, row

    @away
    def keys_since(self, moment: int) -> list[str]:
        """See `Ledger.keys_since`."""
        return list(self._redis.zrangebyscore(f"{self._prefix}events", moment, "+inf"))

    @away
    def rows(self, keys: Sequence[str]) -> list[Record]:
        """See `Ledger.rows`."""
        return self._read(keys)

    def _read(self, keys: Sequence[str]) -> list[Record]:
        rows = zip(keys, self._rows_of(keys), strict=True)
        return [from_fields(key, fields) for key, fields in rows if fields]

    def _rows_of(self, keys: Iterable[str]) -> list[dict[str, str]]:
        pipeline = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(f"{self._prefix}ev:{key}")
        return list(pipeline.execute())

    @away
    def counts(self) -> dict[State, int]:
        """See `Ledger.counts`."""
        pipeline = self._redis.pipeline(transaction=False)
        for state in State:
            pipeline.zcard(f"{self._prefix}state:{state}")
        return dict(zip(State, pipeline.execute(), strict=True))

    @away
    def outcomes(self) -> dict[tuple[str, str], int]:
        """See `Ledger.outcomes`."""
        stats = self._redis.hgetall(f"{self._prefix}stats")
        return {_pair(name): int(count) for name, count in stats.items()}

    @away
    def variants(self) -> dict[tuple[str, str], int]:
        """See `Ledger.variants`."""
        sent = self._redis.hgetall(f"{self._prefix}variants")
        return {_pair(name, "|"): int(count) for name, count in sent.items()}

    @away
    def answer_times(self) -> Times:
        """See `Ledger.answer_times`."""
        counted = self._redis.hgetall(f"{self._prefix}answer_times")
        return Times.read({name: int(count) for name, count in counted.items()})

    @away
    def hourly(self, hours: int) -> dict[int, dict[tuple[str, str], int]]:
        """See `Ledger.hourly`."""
        this = self._clock() // HOUR_MS
        wanted = range(this - hours + 1, this + 1)
        pipeline = self._redis.pipeline(transaction=False)
        for hour in wanted:
            pipeline.hgetall(f"{self._prefix}hour:{hour}")
        counted = zip(wanted, pipeline.execute(), strict=True)
        return {
            hour * HOUR_MS: {_pair(name): int(count) for name, count in stats.items()}
            for hour, stats in counted
        }

    @away
    def size(self, query: Query) -> int:
        """See `Ledger.size`."""
        until = "+inf" if query.until is None else f"({query.until}"
        pipeline = self._redis.pipeline(transaction=False)
        for name in query.lists or ["events"]:
            pipeline.zcount(f"{self._prefix}{name}", query.since, until)
        return int(min(pipeline.execute()))

    @away
    def held_off(self) -> int:
        """See `Ledger.held_off`."""
        until = int(self._redis.get(f"{self._prefix}hold_off") or 0)
        return max(until - self._clock(), 0) if until else 0

    @away
    def due(self) -> tuple[int, int]:
        """See `Ledger.due`."""
        first = self._redis.zrange(f"{self._prefix}due", 0, 0, withscores=True)
        late = max(self._clock() - int(first[0][1]), 0) if first else 0
        return int(self._redis.zcard(f"{self._prefix}due")), late

    @away
    def hold_reason(self) -> tuple[str, str]:
        """See `Ledger.hold_reason`."""
        until, why = self._redis.mget(f"{self._prefix}hold_off", f"{self._prefix}hold_why")
        return _pair(why or "") if int(until or 0) > self._clock() else ("", "")

    @away
    def seen_alive(self, worker: str) -> None:
        """See `Ledger.seen_alive`."""
        workers = f"{self._prefix}workers"
        pipeline = self._redis.pipeline()
        pipeline.zadd(workers, {worker: self._clock()})
        pipeline.zremrangebyscore(workers, "-inf", self._clock() - _WORKER_SEEN_MS)
        pipeline.execute()

    @away
    def workers(self) -> list[str]:
        """See `Ledger.workers`."""
        since = self._clock() - _WORKER_SEEN_MS
        return list(self._redis.zrangebyscore(f"{self._prefix}workers", since, "+inf"))

    @away
    def ping(self) -> None:
        """See `Ledger.ping`."""
        self._redis.ping()

    @away
    def server_truth(self) -> Truth:
        """Return what the server says of itself; it may forbid any of these questions."""
        info = self._told("info", "everything")
        config = self._told("config_get", "append*")
        enabled = {0: "no", 1: "yes"}.get(info.get("aof_enabled", -1), "")
        return Truth(
            version=str(info.get("redis_version", "")),
            appendonly=str(config.get("appendonly", enabled)),
            appendfsync=str(config.get("appendfsync", "")),
            last_write=str(info.get("aof_last_write_status", "")),
            policy=str(info.get("maxmemory_policy", "")),
            used=info.get("used_memory"),
            most=info.get("maxmemory"),
            skew=self._skew(),
        )

    def _told(self, command: str, *about: str) -> Mapping[str, Any]:
        try:
            return cast("Mapping[str, Any]", getattr(self._redis, command)(*about))
        except redis.ResponseError:
            return {}

    def _skew(self) -> float:
        """Return by how many seconds the server's clock is surely ahead of ours."""
        before = time.time()
        try:
            seconds, micros = self._redis.time()
        except redis.ResponseError:
            return 0.0
        there, after = int(seconds) + int(micros) / 1e6, time.time()
        return there - min(max(there, before), after)


def _pair(name: str, between: str = " ") -> tuple[str, str]:
    first, _, second = name.partition(between)
    return first, second
