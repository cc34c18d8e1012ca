"""Our webhooks at the provider, which gives one up after failures: resumed, and told of."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from worker.contracts.email.hooks import PATH, Hook, Hooks, our_hooks
from worker.domain.errors import GiveUp, NoScope, OutcomeUnknown
from worker.domain.notices import Notice
from worker.http import ApiClient
from worker.notify import Memo

HOOK: Final = "hook"
"""The chore, and the name of its state among what is remembered: JSON with `status` and `at`."""

EVERY: Final = timedelta(minutes=3)
LEASE: Final = timedelta(minutes=2)
_HOURLY: Final = timedelta(hours=1)
_DAILY: Final = timedelta(days=1)
"""What stays wrong is told again after so long; each resumption is news after an hour."""

_NOTICES: Final[Mapping[str, tuple[str, str]]] = {
    "resumed": (
        "The provider had stopped delivering replies: it delivers again",
        """The webhook was disabled after failures, and is resumed.
What it missed is being fetched. If this comes again, our receiver is not reached from
outside: autoreply webhook test ID.""",
    ),
    "disabled": (
        "The provider delivers no replies: the webhook is disabled and cannot be resumed",
        """See autoreply webhook list; the key needs the scope webhooks:update.
Until then replies are fetched every few minutes.""",
    ),
    "missing": (
        "No webhook of the provider leads to us",
        f"Replies do not come in. Do autoreply webhook register https://your-host{PATH}.",
    ),
    "unknown": (
        "The API key may not look at webhooks",
        """Whether replies come in is not watched, and missed ones are not fetched.
Give the key the scopes webhooks:read, webhooks:update and webhook_events:read.""",
    ),
}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """What the last look showed.

    Attributes:
        status: `active`; `disabled` and not resumed; `missing`; `unknown` where the key may
            not ask.
        at: when it was looked (ISO 8601, UTC); "" for never.
        told: what → when the operator heard of it last (seconds since the epoch).
        untold: notices that nobody has taken yet, as (title, body).

    """

    status: str = "unknown"
    at: str = ""
    told: Mapping[str, float]
    untold: Sequence[Sequence[str]] = ()

    @classmethod
    def read(cls, text: str) -> "HookState":
        """Return what is remembered; a look that never was shows nothing."""
        return cls(**json.loads(text)) if text else cls(told={})


class HookHealth:
    """Looks after the webhooks that lead to us.

    Args:
        client: calls the provider.
        memo: remembers the state.
        tell: sends a notice.
        missed: has fetched what was missed since then (UTC; None where nobody knows).
        clock: seconds since the epoch.
        public_url: where the service is reached; "" where nobody says.

    """

    def __init__(
        self,
        client: ApiClient,
        *,
        memo: Memo,
        tell: Callable[[Notice], None],
        missed: Callable[[datetime | None], None],
        clock: Callable[[], float],
        public_url: str = "",
    ) -> None:
        self._hooks = Hooks(client)
        self._memo = memo
        self._tell = tell
        self._missed = missed
        self._clock = clock
        self._public_url = public_url

    def __call__(self) -> None:
        """Look once.

        Raises:
            TryLater: the API is away or refuses the key, or a notice was not taken.

        """
        try:
            ours = our_hooks(self._hooks.all(), self._public_url)
        except NoScope as error:
            self._remember("unknown", error.detail)
        else:
            if not ours:
                self._remember("missing")
            self._look_after(ours)
        self._tell_all()

    def _look_after(self, ours: Sequence[Hook]) -> None:
        """Resume what is disabled, and have fetched what it missed."""
        disabled = [hook for hook in ours if hook.disabled]
        for hook in disabled:
            try:
                self._hooks.resume(hook.id)
            except (NoScope, GiveUp, OutcomeUnknown) as error:
                self._remember("disabled", error.detail)
            else:
                self._remember("active", _since(hook))
            self._missed(hook.disabled_at)
        if ours and not disabled:
            self._remember("active")

    def _remember(self, status: str, detail: str = "") -> None:
        """Keep the state, with the notice that it calls for, until that was taken."""
        state, now = HookState.read(self._memo.recall(HOOK)), self._clock()
        at = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        state = replace(state, status=status, at=at)
        about = "resumed" if status == "active" and detail else status
        if about in _NOTICES:
            title, body = _NOTICES[about]
            body = f"{detail}\n{body}".strip()
            _log.warning("hook_trouble", status=about, problem=title, detail=detail)
            quiet = _HOURLY if about == "resumed" else _DAILY
            if now - state.told.get(about, 0.0) >= quiet.total_seconds():
                untold = (*state.untold, (title, body))
                state = replace(state, told={**state.told, about: now}, untold=untold)
        self._memo.remember(HOOK, json.dumps(asdict(state)))

    def _tell_all(self) -> None:
        state = HookState.read(self._memo.recall(HOOK))
        for title, body in state.untold:
            self._tell(Notice(kind=HOOK, title=title, body=body))
            state = replace(state, untold=state.untold[1:])
            self._memo.remember(HOOK, json.dumps(asdict(state)))


def _since(hook: Hook) -> str:
    at = hook.disabled_at
    return (
        f"Nothing came in since {at:%Y-%m-%d %H:%M} UTC." if at else "Nothing came in for a while."
    )
