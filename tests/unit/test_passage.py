import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.passage import passage
from worker.domain.words import fold


def sentences(words: str) -> list[tuple[str, bool]]:
    text = passage(words)
    return [(text.said(sentence.start, sentence.end), sentence.asks) for sentence in text.sentences]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Hi Alex,\nNot now. Why?", [("Hi Alex", False), ("Not now", False), ("Why", True)]),
        ("It costs 1.50, right?", [("It costs 1.50, right", True)]),
        ("Πόσο κοστίζει; Ευχαριστώ", [("Πόσο κοστίζει", True), ("Ευχαριστώ", False)]),
        ("Best; Tom", [("Best", False), ("Tom", False)]),
        ("料金はいくらですか。どうも", [("料金はいくらですか", True), ("どうも", False)]),
        ("多少钱？谢谢。", [("多少钱", True), ("谢谢", False)]),
        ("هل هذا مجاني؟", [("هل هذا مجاني", True)]),
        ("(really?) yes", [("really", True), ("yes", False)]),
        ("see https://x.example/?a=b now", [("see now", False)]),
        ("a\n\nb", [("a", False), ("b", False)]),
        ("we are not\ninterested", [("we are not interested", False)]),
        ("", []),
        ("?!", []),
    ],
)
def test_a_text_is_parted_into_sentences(words: str, found: list[tuple[str, bool]]) -> None:
    assert sentences(words) == found


def test_a_clause_begins_at_a_comma_and_knows_its_sentence() -> None:
    text = passage("Yes, we do (not) - but. Later")
    clauses = [
        text.said(*span) for sentence in text.sentences for _, span in text.clauses_of(sentence)
    ]
    assert clauses == ["Yes", "we do", "not", "but", "Later"]


def test_what_was_written_is_told_from_what_was_folded() -> None:
    text = passage("Ça coûte\nCOMBIEN, 관심?")
    at = text.folded.index("combien")
    assert text.said(at, at + len("combien")) == "COMBIEN"
    assert text.said(0, len(text.folded)) == "Ça coûte COMBIEN, 관심"


@given(st.text(alphabet=st.characters(exclude_characters="@/."), max_size=200))
def test_a_text_is_folded_as_everywhere_else(words: str) -> None:
    text = passage(words)
    assert text.folded == fold(words)
    assert len(text.origins) == len(text.folded)
