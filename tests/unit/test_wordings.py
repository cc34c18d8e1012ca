"""The shipped wordings as data: each file has the same keys, and each phrase means something."""

import pytest

from worker.domain.intents import ORDER
from worker.domain.lexicon import Phrases, shipped
from worker.domain.wordings import GRAMMAR, kinds_of, language_shares, shipped_languages, spelled
from worker.domain.words import fold

EACH_LANGUAGE = pytest.mark.parametrize("language", shipped_languages())


@EACH_LANGUAGE
def test_a_language_has_wordings_for_every_intent(language: str) -> None:
    data = shipped(f"intents/{language}")
    assert set(data["intents"]) == set(ORDER[1:])
    assert set(data["never"]) <= set(ORDER[1:])
    assert set(data) <= {"common", "intents", "never", *GRAMMAR}
    assert all(data[kind] for kind in ("filler", "yes", "no", "harmless", "now", "again", "later"))


@EACH_LANGUAGE
def test_no_phrase_ends_with_a_word_that_may_be_missing(language: str) -> None:
    """It would say nothing, but look as if the phrase needed it."""
    phrases = [phrase for _, some in kinds_of(shipped(f"intents/{language}")) for phrase in some]
    assert [phrase for phrase in phrases if phrase.endswith("]")] == []


@EACH_LANGUAGE
def test_no_phrase_stands_twice(language: str) -> None:
    for kind, some in kinds_of(shipped(f"intents/{language}")):
        phrases = list(some)
        if kind != "filler":
            assert len(phrases) == len(set(phrases)), kind


@pytest.mark.parametrize(
    ("phrase", "written"),
    [
        ("für uns", ["für uns", "fuer uns"]),
        ("don't|never write", ["don’t write", "dont write", "never write"]),
        ("[we_are|i'm] in", ["we are in", "i'm in", "im in", "in"]),
        ("miło mi", ["miło mi", "milo mi"]),
        ("møde", ["møde", "moede", "mode"]),
        ("不要…邮件", ["不要再发邮件"]),
    ],
)
def test_a_phrase_is_found_however_it_is_typed(phrase: str, written: list[str]) -> None:
    phrases = Phrases({"it": spelled([phrase])})
    for words in written:
        assert phrases.first(fold(words))


def test_the_language_with_most_words_has_the_largest_share() -> None:
    shares = language_shares("wir haben leider kein interesse", ())
    assert max(shares, key=lambda language: shares[language]) == "de"
    assert shares["de"] == 1
    assert set(language_shares("xyz", ()).values()) == {1}
