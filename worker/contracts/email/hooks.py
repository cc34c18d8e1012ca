"""The published API's webhooks, and its log of what it delivered to them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote

from worker.contracts.history import items_of
from worker.contracts.lenient import flag, identity, moment, text, whole
from worker.contracts.pages import after, pages
from worker.domain.errors import OutcomeUnknown
from worker.http import ApiClient

ALL_EVENTS: Final = "all_events"
"""The only subscription that brings `auto_reply_received` and custom labels too."""

PATH: Final = "/webhooks/instantly"
"""Where the receiver listens."""

_PAGE: Final = "100"
_DISABLED: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook as the provider keeps it.

    Attributes:
        event_type: what it is subscribed to; "" for a custom label.
        campaign_id: the one campaign it is for; "" for all.
        disabled: the provider has given it up after failures, and delivers nothing.
        disabled_at: since when (UTC); None where it works.

    """

    id: str
    url: str
    name: str
    event_type: str
    campaign_id: str
    disabled: bool
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery to a webhook, as the provider logs it.

    Attributes:
        at: when it was made (UTC).
        success: the webhook took it.
        status: what it answered (HTTP); 0 for nothing.
        error: why it failed, in the provider's words.
        payload: what was delivered, or should have been.

    """

    id: str
    at: datetime | None
    url: str
    success: bool
    status: int
    error: str
    payload: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a test of a webhook showed; `status`: HTTP, 0 for no answer."""

    success: bool
    status: int
    said: str


class Hooks:
    """Webhooks of a workspace."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def all(self) -> Iterator[Hook]:
        """Yield every webhook."""
        asked = {"limit": _PAGE}
        found = pages(
            lambda cursor: self._client.get("/v2/webhooks", asked | after(cursor)), "webhooks"
        )
        return (hook_of(item) for page in found for item in page)

    def get(self, hook_id: str) -> Hook:
        """Return one webhook."""
        return hook_of(self._client.get(_path(hook_id)))

    def create(
        self, url: str, *, name: str = "", event_type: str = ALL_EVENTS, campaign_id: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Hook:  # fmt: skip
        """Register a webhook; `headers` are all that proves its deliveries genuine.

        Raises:
            TryLater: surely not registered.
            GiveUp: refused for good.
            OutcomeUnknown: it may have been registered.

        """
        body: dict[str, object] = {"target_hook_url": url, "event_type": event_type}
        told = {"name": name, "campaign": campaign_id, "headers": dict(headers or {})}
        body |= {key: value for key, value in told.items() if value}
        return hook_of(self._client.post("/v2/webhooks", body))

    def change(self, hook_id: str, **fields: object) -> Hook:
        """Change a webhook's `target_hook_url`, `name`, `event_type`, `campaign` or `headers`."""
        return hook_of(self._client.patch(_path(hook_id), fields))

    def remove(self, hook_id: str) -> None:
        """Remove a webhook."""
        self._client.delete(_path(hook_id))

    def test(self, hook_id: str) -> Probe:
        """Have the provider deliver a test; what keeps it from arriving is part of the answer."""
        try:
            answer = self._client.post(f"{_path(hook_id)}/test")
        except OutcomeUnknown as error:
            if error.reason != "unreadable_answer":
                raise
            return Probe(success=False, status=0, said=error.detail)
        said = answer if isinstance(answer, Mapping) else {}
        return Probe(
            success=flag(said, "success"),
            status=whole(said, "status_code"),
            said=text(said, "message", "error"),
        )

    def resume(self, hook_id: str) -> Hook:
        """Have the provider deliver again to a webhook that it disabled."""
        return hook_of(self._client.post(f"{_path(hook_id)}/resume"))

    def event_types(self) -> Sequence[str]:
        """Return what a webhook can be subscribed to, the workspace's own labels included."""
        answer = self._client.get("/v2/webhooks/event-types")
        listed = answer.get("event_types") if isinstance(answer, Mapping) else None
        items = listed if isinstance(listed, list) else []
        return [identity(item, "id") for item in items if isinstance(item, Mapping)]

    def failed(self, since: date, cursor: str = "") -> tuple[list[Delivery], str]:
        """Return a page of the deliveries that were not taken, and what follows it; "" at the end.

        Args:
            since: the first day (UTC).
            cursor: what followed the page before; "" for the first one.

        """
        asked = {"limit": _PAGE, "success": "false", "from": since.isoformat()}
        answer = self._client.get("/v2/webhook-events", asked | after(cursor))
        found = [_delivery(item) for item in items_of(answer, "deliveries")]
        following = identity(answer, "next_starting_after") if isinstance(answer, Mapping) else ""
        is_last = len(found) < int(_PAGE) or following == cursor
        return found, "" if is_last else following


def our_hooks(hooks: Iterable[Hook], public_url: str = "") -> list[Hook]:
    """Return those that lead to a receiver: to ours, where that can be told from its address.

    Args:
        hooks: all of a workspace.
        public_url: where the service is reached; webhooks may come in elsewhere.

    """
    found = [hook for hook in hooks if leads_to_receiver(hook.url)]
    exact = [hook for hook in found if public_url and hook.url == public_url.rstrip("/") + PATH]
    return exact or found


def leads_to_receiver(url: str) -> bool:
    """Say whether an address is one at which a receiver listens."""
    return url.partition("?")[0].rstrip("/").endswith(PATH)


def _path(hook_id: str) -> str:
    return f"/v2/webhooks/{quote(hook_id, safe='')}"


def hook_of(answer: object) -> Hook:
    """Read a webhook."""
    item = answer if isinstance(answer, Mapping) else {}
    return Hook(
        id=identity(item, "id"),
        url=text(item, "target_hook_url"),
        name=text(item, "name"),
        event_type=text(item, "event_type"),
        campaign_id=identity(item, "campaign"),
        disabled=whole(item, "status") == _DISABLED,
        disabled_at=moment(item, "timestamp_error"),
    )


def _delivery(item: Mapping[str, Any]) -> Delivery:
    payload = item.get("payload")
    return Delivery(
        id=identity(item, "id"),
        at=moment(item, "timestamp_created"),
        url=text(item, "webhook_url"),
        success=flag(item, "success"),
        status=whole(item, "status_code"),
        error=text(item, "error_message"),
        payload=payload if isinstance(payload, Mapping) else {},
    )
