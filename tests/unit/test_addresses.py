import pytest

from worker.domain.addresses import company_domain, domain_of, is_nobodys, without_tag

NOBODYS = [
    # however it is written, and whatever stands around it
    "no-reply", "noreply", "no_reply", "no.reply", "NO-REPLY", "noreply7", "noreply+a8f3",
    "orders-noreply", "no-reply-billing", "donotreply", "do-not-reply", "please.do.not.reply",
    "auto-reply", "noreply.jane",
    # in other languages
    "nicht-antworten", "bitte-nicht-antworten", "keine-antwort", "ne-pas-repondre",
    "nepasrépondre", "noresponder", "no.responda", "no-contestar", "nao-responda",
    "não-responda", "nao.responder", "non-rispondere", "niet-antwoorden", "niet-beantwoorden",
    "svara-inte", "svar-ikke", "ala-vastaa", "älä-vastaa", "nie-odpowiadaj", "neodpovidat",
    "ne-valaszoljon", "nu-raspunde", "neodgovaraj", "ne-otvechat", "не-отвечать",
    "yanitlamayin", "yanıtlamayın", "jangan-balas", "khong-tra-loi", "请勿回复", "返信不可",
    # roles that no person has
    "mailer-daemon", "MAILER-DAEMON", "postmaster", "listserv", "majordomo", "owner-news",
    "news-owner", "news-request", "news-bounces", "bounce", "bounces", "bounce+123",
    "bounces-123-abc", "bounce.7", "notification", "notifications", "notificaciones",
]  # fmt: skip

SOMEBODYS = [
    "ann", "info", "sales", "hello", "support", "office", "kontakt", "reply", "response",
    "norma.reply", "noreplies", "nora.responda", "no.respondek", "juan.responde", "owner",
    "request", "requests", "bouncer", "jane.bounce", "no", "nicht", "antworten", "not.reply",
    "notifications.team", "norah.eplyson", "replyno", "postmaster.jones", "42", "_",
]  # fmt: skip


@pytest.mark.parametrize("local", NOBODYS)
def test_an_address_that_nobody_reads_is_known_in_any_spelling_and_language(local: str) -> None:
    assert is_nobodys(f"{local}@firm.example".casefold())


@pytest.mark.parametrize("local", SOMEBODYS)
def test_an_address_that_only_looks_like_it_is_somebodys(local: str) -> None:
    assert not is_nobodys(f"{local}@noreply.example")


@pytest.mark.parametrize("address", ["", "@", "noreply", "@noreply.example"])
def test_what_is_no_address_breaks_nothing(address: str) -> None:
    assert is_nobodys(address) == (address == "noreply")


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ann@firm.example", "firm.example"),
        ("ann@mail.firm.example", "mail.firm.example"),
        ("ann@gmail.com", ""),
        ("ann@googlemail.com", ""),
        ("ann@outlook.com", ""),
        ("ann@outlook.de", ""),
        ("ann@hotmail.co.uk", ""),
        ("ann@yahoo.com.br", ""),
        ("ann@gmx.de", ""),
        ("ann@gmx.net", ""),
        ("ann@web.de", ""),
        ("ann@mail.ru", ""),
        ("ann@163.com", ""),
        ("ann@outlook.firm.com", "outlook.firm.com"),
        ("ann@live.firm.co.uk", "live.firm.co.uk"),
        ("ann@yahoo-partners.com", "yahoo-partners.com"),
        ("ann@mygmail.com", "mygmail.com"),
        ("ann@gmail.com.firm.example", "gmail.com.firm.example"),
        ("", ""),
        ("ann", ""),
    ],
)
def test_a_domain_is_a_companys_unless_anybody_can_have_an_address_in_it(
    address: str, domain: str
) -> None:
    assert company_domain(address) == domain


def test_an_address_is_taken_apart() -> None:
    assert domain_of("ann@firm.example") == "firm.example"
    assert domain_of("ann") == ""
    assert without_tag("ann+news@firm.example") == "ann@firm.example"
    assert without_tag("ann@firm.example") == "ann@firm.example"
    assert without_tag("+@firm.example") == "@firm.example"
