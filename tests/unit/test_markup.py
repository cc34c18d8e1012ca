"""What of an HTML mail becomes which line."""

import time

import pytest

from worker.domain.markup import html_to_text

RULE = "_" * 32


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello</p><blockquote><p>one</p><p>two</p></blockquote>", "Hello\n\n> one\n\n> two"),
        ("a<blockquote>b<blockquote>c</blockquote>d</blockquote>e", "a\n\n> b\n\n> c\n\n> d\n\ne"),
        ('<blockquote style="margin:0 0 0 40px;border:none">mine</blockquote>', "mine"),
        ('<div class="gmail_attr">Sam:</div><blockquote>b</blockquote>', f"{RULE}\n\nSam:\n\n> b"),
        ('<div class="gmail_attr">Fwd</div>b', "Fwd\nb"),
        ('a<div id="x_divRplyFwdMsg"><b>From:</b> Sam</div>', f"a\n{RULE}\n\nFrom: Sam"),
        ('a<div class="gmail_signature">Ann</div>', "a\n--\n\nAnn"),
        ("<table><tr><td>From:</td><td>Sam</td></tr></table>", "From: Sam"),
    ],
)
def test_marks_of_mail_programs_become_those_of_plain_mails(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>How much\nis it?</p>", "How much is it?"),
        ("<pre>How much\nis it?</pre>", "How much\nis it?"),
        ('<p style="white-space: pre-wrap">How much\nis it?</p>', "How much\nis it?"),
        ("How much\nis <b>it</b>?", "How much\nis it?"),
    ],
)
def test_line_ends_count_where_people_see_them(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_nesting_is_read_as_deep_as_mails_nest() -> None:
    for depth, seen in ((200, True), (300, False)):
        html = f"Hello{'<div>' * depth}deep"
        assert html_to_text(html).endswith("deep") is seen


@pytest.mark.parametrize("piece", ["<div>", "<b><p>", "<blockquote>a", "<pre>a\n", "<", "<a b=c "])
def test_hostile_html_is_read_in_bounded_time(piece: str) -> None:
    hostile = piece * (1_000_000 // len(piece))
    started = time.process_time()
    html_to_text(hostile)
    assert time.process_time() - started < 2  # seconds; it takes less than a tenth of one
