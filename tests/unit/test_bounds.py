import pytest
from jinja2.exceptions import SecurityError

from worker.domain.environment import make_environment

BOMBS = [
    "{{ 'x' * 1000000000 }}",
    "{{ 1000000000 * 'x' }}",
    "{{ [1] * 1000000000 }}",
    "{{ ('x' * 90000) * 90000 }}",
    "{{ 9 ** (9 ** 9) }}",
    "{{ 2 ** 10000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%.1000000000f' % 1 }}",
    "{{ '%(n)1000000000d' % {'n': 1} }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '%*d'|format(1000000000, 1) }}",
    "{{ '{:>1000000000}'.format('x') }}",
    "{{ '{:.1000000000f}'.format(1.0) }}",
    "{{ '{:>{w}}'.format('x', w=1000000000) }}",
    "{{ '{n:>1000000000}'.format_map({'n': 1}) }}",
    "{{ 'x'.center(1000000000) }}",
    "{{ 'x'.ljust(width=1000000000) if false else 'x'.ljust(1000000000) }}",
    "{{ '7'.zfill(1000000000) }}",
    "{{ '\\t'.expandtabs(1000000000) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x\\ny'|indent(1000000000) }}",
    "{{ 'x\\ny'|indent(width=1000000000) }}",
    "{{ [1]|batch(1000000000, 'x')|list }}",
    "{{ [1]|slice(1000000000)|list }}",
    "{{ range(1000000000)|list }}",
]


@pytest.mark.parametrize("text", BOMBS)
def test_a_template_cannot_fill_the_memory(text: str) -> None:
    with pytest.raises((OverflowError, SecurityError)):
        make_environment({}).from_string(text).render()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ '-' * 20 }}", "-" * 20),
        ("{{ 12 * 1000000 }}", "12000000"),
        ("{{ 2 ** 10 }} {{ 10 % 3 }} {{ 2.5 * 2 }}", "1024 1 5.0"),
        ("{{ '%s seats at 0123456789' % 12 }}", "12 seats at 0123456789"),
        ("{{ '%d%%' % 1000000000 }}", "1000000000%"),
        ("{{ '%05d'|format(1000000000) }}", "1000000000"),
        ("{{ '{:,}'.format(1000000000) }}", "1,000,000,000"),
        ("{{ '{:>5}|{n:.1f}'.format('x', n=2) }}", "    x|2.0"),
        ("{{ 'a\\nb'|indent(2) }}", "a\n  b"),
        ("{{ 'x'|center(5) }}|{{ '7'.zfill(3) }}", "  x  |007"),
        ("{{ [1, 2, 3]|batch(2)|list }}", "[[1, 2], [3]]"),
    ],
)
def test_what_mails_need_is_allowed(text: str, result: str) -> None:
    assert make_environment({}).from_string(text).render() == result
