"""Errors named after what the caller does next.

Every error carries a `reason`: a short slug that logs, counters and the ledger share.
"""

MIRROR = "mirror"
"""What events are parked for that wait until the mirror is filled."""

_LOOK_AGAIN = 3600.0
"""Seconds after which a parked event is looked at, should its waking be lost."""


REFUSED = "api_refused"
"""The reason where the API refuses the key, the plan or a scope."""


class AutoreplyError(Exception):
    """The family. `str(error)` reads `reason: detail`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class TryLater(AutoreplyError):  # noqa: N818 - named after the caller's next step
    """Nothing was sent and nothing is wrong with the event: look again later.

    `wait`: seconds until the next try, None where the caller's own back-off decides.
    `everyone`: the whole workspace has to wait, not only this event.
    `counts`: whether this try makes the next wait longer.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        wait: float | None = None,
        everyone: bool = False,
        counts: bool = True,
    ) -> None:
        super().__init__(reason, detail)
        self.wait = wait
        self.everyone = everyone
        self.counts = counts


class NoScope(TryLater):
    """The key is right, but may not make this call: what needs another scope goes on."""


class Parked(TryLater):
    """Waits for something to end rather than for a time.

    `parked`: what it waits for, as the ledger names it (`pause:*`).
    """

    def __init__(self, reason: str, parked: str, *, wait: float = _LOOK_AGAIN) -> None:
        super().__init__(reason, wait=wait, counts=False)
        self.parked = parked


class Paced(TryLater):
    """The call's turn comes after `wait`: our own pace, and no trouble of the provider's."""

    def __init__(self, detail: str, wait: float) -> None:
        super().__init__("limiter", detail, wait=wait, counts=False)


class Behind(Parked):
    """What is known of the conversation is older than the event needs: more is on its way."""

    def __init__(self, wait: float) -> None:
        super().__init__("mirror_behind", MIRROR, wait=wait)


class GiveUp(AutoreplyError):  # noqa: N818 - named after the caller's next step
    """Final: nothing was sent, and trying again would not help."""


class OutcomeUnknown(AutoreplyError):  # noqa: N818 - named after the caller's next step
    """The request may have arrived. Look at the thread; never post again blindly."""


class LeaseLost(AutoreplyError):  # noqa: N818 - named after the caller's next step
    """Another worker, or a person, has the event now: drop it."""


class TemplateProblem(AutoreplyError):  # noqa: N818 - shown to people, who call it that
    """A template cannot be used for this event: a person decides.

    `at`: the file and the line; `said`: what is wrong there. The detail has it all.
    """

    def __init__(self, at: tuple[str, int], said: str) -> None:
        super().__init__("template_error", f"{at[0]}:{at[1]}: {said}")
        self.at = at
        self.said = said


class MalformedEvent(AutoreplyError):  # noqa: N818 - named after what it is about
    """A genuine webhook that names no event type or no lead: quarantine it."""


class NotPossible(AutoreplyError):  # noqa: N818 - shown to people as it is
    """A person asked for a step that the event's state does not allow."""


class LedgerAway(Exception):  # noqa: N818 - named after what it is about
    """The ledger does not answer, or takes no more: nothing can be promised now."""


class LedgerFull(LedgerAway):
    """The ledger answers, but has no memory left: it helps nobody to try again by itself."""


class ConfigurationError(Exception):
    """The service cannot run like this. Outside the family: no handler swallows it."""
