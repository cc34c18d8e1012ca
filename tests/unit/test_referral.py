"""Whom a mail points to: only where its wording says so."""

import pytest

from worker.domain.referral import Referral, referral_in

from .effort import takes_less_than


@pytest.mark.parametrize(
    ("words", "name", "email"),
    [
        ("Please contact Anna Meyer at anna@x.example", "Anna Meyer", "anna@x.example"),
        ("Ich bin nicht zuständig, wenden Sie sich an Herrn Müller", "Herr Müller", ""),
        ("talk to our CFO Jane Doe", "Jane Doe", ""),
        ("You should talk to our Chief Financial Officer, Jane Doe.", "Jane Doe", ""),
        ("I've forwarded your email to Tom", "Tom", ""),
        ("Kindly direct this to purchasing@acme.example", "", "purchasing@acme.example"),
        ("I've cc'd Anna Meyer who looks after this.", "Anna Meyer", ""),
        ("Anna Meyer (cc'd) is the right person.", "Anna Meyer", ""),
        ("Maria handles this.", "Maria", ""),
        ("You should contact Maria Lopez, she looks after purchasing.", "Maria Lopez", ""),
        ("I'm on parental leave until May, please contact Ben", "Ben", ""),
        ("The best person to contact would be Lisa Brown.", "Lisa Brown", ""),
        ("You'll want to talk to Susan.", "Susan", ""),
        ("You need to speak with Karen in procurement.", "Karen", ""),
        (
            "My colleague Paul is in charge. His email is paul@acme.example",
            "Paul",
            "paul@acme.example",
        ),
        ("Please reach out to Mr. Smith", "Mr. Smith", ""),
        ("Bitte wenden Sie sich an Dr. Eva Weber.", "Dr. Eva Weber", ""),
        ("Dafür ist meine Kollegin Anna Schmidt zuständig.", "Anna Schmidt", ""),
        ("Bitte wenden Sie sich an unsere Meisterin Eva Lang.", "Eva Lang", ""),
        ("Zuständig für solche Themen ist Herr Schulz.", "Herr Schulz", ""),
        (
            "Frau Weber (weber@firma.example) kümmert sich darum.",
            "Frau Weber",
            "weber@firma.example",
        ),
        ("Bitte wenden Sie sich direkt an einkauf@firma.example.", "", "einkauf@firma.example"),
        ("Veuillez contacter ma collègue Sophie Martin.", "Sophie Martin", ""),
        ("Adressez-vous à M. Dupont", "M. Dupont", ""),
        ("Por favor contacte a mi compañera Laura Gómez.", "Laura Gómez", ""),
        ("Si rivolga alla mia collega Giulia Rossi.", "Giulia Rossi", ""),
        ("Fale com a minha colega Joana Silva.", "Joana Silva", ""),
        ("Neem contact op met mijn collega Jan de Vries.", "Jan de Vries", ""),
        ("Kontakta min kollega Anna Svensson.", "Anna Svensson", ""),
        ("Kontakt venligst min kollega Mette Jensen.", "Mette Jensen", ""),
        ("Ta kontakt med min kollega Kari Hansen.", "Kari Hansen", ""),
        ("Ottakaa yhteyttä kollegaani Matti Virtaseen.", "Matti Virtaseen", ""),
        ("Proszę skontaktować się z moją koleżanką Anną Kowalską.", "Anną Kowalską", ""),
        ("Obraťte se prosím na kolegyni Janu Novákovou.", "Janu Novákovou", ""),
        ("Kérem, keresse a kollégámat, Kovács Annát.", "Kovács Annát", ""),
        ("Vă rog să contactați colega mea Ana Popescu.", "Ana Popescu", ""),
        ("Lütfen meslektaşım Ayşe Yılmaz ile iletişime geçin.", "Ayşe Yılmaz", ""),
        ("Обратитесь к моей коллеге Анне Ивановой.", "Анне Ивановой", ""),
        ("Зверніться до моєї колеги Анни Коваль.", "Анни Коваль", ""),
        ("Παρακαλώ επικοινωνήστε με τον συνάδελφό μου Νίκο Παπαδόπουλο.", "Νίκο Παπαδόπουλο", ""),
        ("営業部の田中さんにご連絡ください。", "田中", ""),
        ("请联系我的同事王小明。", "王小明", ""),
        ("제 동료 김민수 씨에게 연락해 주세요.", "김민수", ""),
        ("Looping in Peter who owns this.", "Peter", ""),
        ("Please speak with our office manager, Jill.", "Jill", ""),
        ("Please contact:\nAnna Meyer\nanna@x.example", "Anna Meyer", "anna@x.example"),
        ("Please contact Anna Meyer.\n\nBest,\nTom Smith\ntom@x.example", "Anna Meyer", ""),
        ("John Miller is responsible for software purchases.", "John Miller", ""),
    ],
)
def test_who_is_named_instead_is_found(words: str, name: str, email: str) -> None:
    assert referral_in(words) == Referral(name, email)


@pytest.mark.parametrize(
    "words",
    [
        "Bitte wenden Sie sich an unsere Einkaufsabteilung.",
        "Please talk to our IT manager",
        "Talk to you soon, Anna",
        "Please contact me at tom@x.example",
        "I no longer work there.",
        "Thanks for your email, Alex.",
        "Don't contact Anna.",
        "Not interested.",
        "We use Salesforce for this.",
        "Can we talk to someone on Monday?",
        "Please send more info to my colleague and me.",
        "Contact our Head of Marketing",
        "Purchasing handles this.",
        "Unser Einkauf ist dafür zuständig.",
        "Who is the right person for this?",
        "How much is it? Please send the price to me.",
        "Is Monday good for you?",
        "You should not speak with Karen.",
        "Bitte wenden Sie sich an unsere Werkstatt.",
        "Unser Lager ist dafür zuständig.",
        "Lager ist dafür zuständig.",
        "Please contact ACME.",
        "",
        "Ihre Mail war im Spamordner.",
        "Quem trata disso é o nosso diretor.",
        "Wie kommen Sie an meine E-Mail-Adresse?",
    ],
)
def test_where_nobody_is_named_nobody_is_found(words: str) -> None:
    assert referral_in(words) is None


def test_of_several_the_one_with_name_and_address_counts() -> None:
    words = "Please contact Tom.\nBetter: please contact Anna at anna@x.example."
    assert referral_in(words) == Referral("Anna", "anna@x.example")


@pytest.mark.parametrize("words", ["please contact Anna ", "my colleague ", "kontakt ", "a@", "a."])
def test_a_hostile_mail_takes_no_time(words: str) -> None:
    hostile = words * (1_000_000 // len(words))
    assert takes_less_than(0.5, lambda: referral_in(hostile))  # a tenth of that, usually
