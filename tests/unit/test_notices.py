"""What the operator is told: counted, grouped, and without a word of anybody."""

from datetime import timedelta

import pytest

from worker.domain.notices import concerns, digest, grown, news, troubles


def test_only_what_is_new_is_news() -> None:
    before = {("held", "no_rule"): 2, ("sent", "posted"): 5}
    now = {("held", "no_rule"): 2, ("sent", "posted"): 9}
    assert list(news(grown(before, now))) == []


def test_one_and_several_are_told_apart_with_their_reasons() -> None:
    new = {("held", "no_rule"): 1, ("held", "needs_approval"): 3, ("failed", "http_404"): 1}
    held, failed = news(new)
    assert held.title == "4 answers wait for a person"
    assert held.body == "3 × needs_approval\n1 × no_rule"
    assert failed.title == "The API refused an answer for good"


def test_opt_outs_are_told_whichever_way_they_came() -> None:
    new = {("skipped", "opted_out"): 1, ("skipped", "lead_unsubscribed"): 1, ("skipped", "x"): 7}
    [notice] = news(new)
    assert notice.title == "2 leads asked us to stop"
    assert concerns("opt_out", new) == {
        ("skipped", "opted_out"): 1, ("skipped", "lead_unsubscribed"): 1,
    }  # fmt: skip


def test_a_long_list_of_reasons_is_cut() -> None:
    [notice] = news({("held", f"reason_{number}"): 1 for number in range(9)})
    assert notice.body.splitlines()[-1] == "and 3 other reasons"


@pytest.mark.parametrize(
    ("refused", "minutes", "kinds"),
    [("", 0, []), ("", 10, []), ("", 11, ["stuck"]), ("wrong key", 0, ["api"])],
)
def test_what_is_wrong_just_now_is_told(refused: str, minutes: int, kinds: list[str]) -> None:
    found = troubles(refused=refused, late=timedelta(minutes=minutes))
    assert [notice.kind for notice in found] == kinds


def test_the_day_is_summed_up() -> None:
    new = {
        ("received", "reply_received"): 9, ("sent", "posted"): 4, ("sent", "found_in_history"): 1,
        ("skipped", "automatic_reply"): 2,
    }  # fmt: skip
    said = digest(new, {"held": 3}).body
    assert "9 webhooks came in" in said
    assert "5 sent" in said
    assert "2 × automatic_reply" in said
    assert said.endswith("waiting for a person now: 3")
