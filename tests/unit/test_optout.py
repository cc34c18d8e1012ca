import pytest

from worker.domain.optout import opt_out_subject, opt_out_words


@pytest.mark.parametrize(
    "words",
    [
        "Unsubscribe",
        "Please remove me from your list.",
        "STOP!",
        "stop",
        "Take me off this list",
        "Don’t contact me again",
        "do not email me",
        "No more emails please.",
        "Interesting offer, but please stop emailing me.",
        "I no longer wish to receive these.",
        "Leave me alone",
        "Delete my data.",
        "We wish to opt-out",
    ],
)
def test_the_wish_to_be_left_alone_is_understood(words: str) -> None:
    assert opt_out_words(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "How much is it?",
        "Not interested, thanks.",
        "We can't stop thinking about it!",
        "Stop by our stand next week.",
        "Can it lower our unsubscribe rate?",
        "Do you have an unsubscribe feature?",
        "Please remove the second item from the quote.",
        "Don't hesitate to call.",
    ],
)
def test_other_words_are_no_opt_out(words: str) -> None:
    assert opt_out_words(words) == ""


def test_the_words_that_were_understood_are_named() -> None:
    assert opt_out_words("Hi,\nplease TAKE me off.") == "take me off"


@pytest.mark.parametrize("subject", ["unsubscribe", "Unsubscribe!", "STOP", "Please remove"])
def test_a_subject_of_only_that_wish_counts(subject: str) -> None:
    assert opt_out_subject(subject)


@pytest.mark.parametrize("subject", ["", "Re: stop", "Stop wasting ad money", "Re: Your team"])
def test_other_subjects_may_quote_our_own(subject: str) -> None:
    assert opt_out_subject(subject) == ""
