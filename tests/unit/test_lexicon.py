"""Phrases with alternatives, stems, optional words and gaps, found in one pass."""

import pytest

from worker.domain.lexicon import Phrases
from worker.domain.words import fold, fold_sentences

from .effort import seconds_of


def found(phrase: str, text: str) -> str:
    hit = Phrases({"it": [phrase]}).first(fold(text))
    return hit.words if hit else ""


@pytest.mark.parametrize(
    ("phrase", "text", "words"),
    [
        ("remove me", "Please REMOVE me!", "remove me"),
        ("remove me", "we remove measles", ""),
        ("don't write", "Don’t write again", "don t write"),
        ("take me|us off", "take us off it", "take us off"),
        ("take me|us off", "take him off it", ""),
        ("remov* me", "removing me", "removing me"),
        ("remov* me", "remote me", ""),
        ("take me off [your] list", "take me off your list", "take me off your list"),
        ("take me off [your] list", "take me off list", "take me off list"),
        ("take me off [your] list", "take me off my list", ""),
        ("stop [please]", "stop please now", "stop please"),
        ("stop [please]", "stop now", "stop"),
        ("[please] stop", "please stop", "please stop"),
        ("[please|kindly] stop", "so stop", "stop"),
        ("remove … list", "remove me from your list", "remove me from your list"),
        ("remove … list", "remove list", "remove list"),
        ("remove … list", "remove me from all of the list", ""),
        ("rückkehr*", "meine Rückkehrdaten", "ruckkehrdaten"),
        ("~receive more", "recieve more", "recieve more"),
        ("~receive more", "recive more", "recive more"),
        ("~receive more", "receives more", ""),
        ("~receive more", "deceived more", ""),
        ("no more & send", "no more, do not send", "no more do not send"),
        ("no more & send", "send me no more", "send me no more"),
        ("no more & send", "send me more", ""),
        ("wysyłać|nie", "wysylac", "wysylac"),
        ("dung|xin gui", "Đừng gửi", "đung gui"),
        ("çıkar* beni", "CIKARIN BENI", "cikarin beni"),
        ("मत|न भेजिए", "ईमेल न भेजिए!", fold("न भेजिए")),
        ("不要再发", "请不要再发邮件了", "不要再发"),
        ("不要|别 [再] 发|寄", "别寄", "别寄"),
        ("不要|别 [再] 发|寄", "别 再\n寄", "别 再 寄"),
        ("不要|别 [再] 发|寄", "别联系", ""),
        ("退订 & 客户", "客户怎么退订", "客户怎么退订"),
        ("보내지|연락하지 마|말", "더는 연락 하지마세요", fold("연락 하지마")),
        ("不要…邮件", "请不要再发邮件了", "不要再发邮件"),
    ],
)
def test_a_phrase_is_found_where_its_words_stand(phrase: str, text: str, words: str) -> None:
    assert found(phrase, text) == words


def test_a_hit_says_its_name_and_where_it_is() -> None:
    folded = fold("Well, how much? And what price?")
    hits = list(Phrases({"cost": ["how much", "price"]}).find(folded))
    assert [(h.name, folded[h.start : h.end]) for h in hits] == [
        ("cost", "how much"),
        ("cost", "price"),
    ]


def test_of_two_that_begin_together_the_longest_comes_first() -> None:
    hit = Phrases({"short": ["not now"], "long": ["not now thanks"]}).first("not now thanks")
    assert hit
    assert hit.name == "long"


@pytest.mark.parametrize(
    "phrase",
    ["", "…", "… list", "list …", "[please]", "ab* me", "[a b] me", "a||b", "不要 [再 发]"],
)
def test_what_is_no_phrase_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"phrase|stem|bracket"):
        Phrases({"it": [phrase]})


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("not … remove", "Certainly not. Remove it"),
        ("no more & send", "No more! Send it."),
        ("no more & send", "Send " + "a lot of words " * 6 + "no more"),
        ("不要…邮件", "不要。邮件"),
    ],
)
def test_no_phrase_reaches_into_another_sentence_or_too_far(phrase: str, text: str) -> None:
    assert Phrases({"it": [phrase]}).first(fold_sentences(text)) is None


def test_parts_that_are_alike_belong_to_each_of_their_phrases() -> None:
    phrases = Phrases({"one": ["stop & mail", "mail"], "two": ["end & mail"]})
    hits = [(hit.name, hit.words) for hit in phrases.find("end mail stop")]
    assert sorted(hits) == [("one", "mail"), ("one", "mail stop"), ("two", "end mail")]


def test_a_phrase_is_found_by_its_rarest_word_wherever_that_stands() -> None:
    phrases = Phrases({"it": ["[please] do not [ever] … unlist", "do not go", "do not stay"]})
    hit = phrases.first(fold("well, please do not ever, I beg you, unlist me"))
    assert hit
    assert hit.words == "please do not ever i beg you unlist"


def test_time_grows_with_the_text_and_not_with_its_malice() -> None:
    phrases = Phrases({"it": ["aaa [aaa] … aaa … bbb"]})

    def seconds(words: int) -> float:
        text = " ".join(["aaa"] * words)
        assert phrases.first(text) is None
        return seconds_of(lambda: phrases.first(text))

    assert seconds(8000) < 40 * max(seconds(800), 0.001)
