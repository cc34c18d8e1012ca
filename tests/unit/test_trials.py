"""`check` fills every text in: for a lead of whom nothing is known, and for a full one."""

import pytest

from worker.domain import trials

from .making import folder


def found(
    body: str, *, front: str = "when: true", fields: dict[str, str] | None = None, **files: str
) -> list[str]:
    templates = folder(body, front=front, **files)
    assert templates.problems == ()
    return [str(error) for error in trials.problems(templates, fields)]


BARE = "with a lead of whom only the id is known: "
FULL = "with a lead of whom everything is known"


def test_what_a_bare_lead_lacks_needs_a_default() -> None:
    assert found("Hi\n\n{{ lead.first_name }}") == [
        (
            f"answer.j2:6: {BARE}lead.first_name is undefined; "
            'write {{ lead.first_name | default("…") }}'
        )
    ]


@pytest.mark.parametrize(
    "body",
    [
        "Hi {{ lead.first_name | default('there') }}",
        "{% if lead.company is defined %}{{ lead.company }}{% endif %}Hi",
        "{{ lead.id }} {{ reply.text }} {{ thread.subject }} {{ account.name | default('') }}",
        "{% for m in thread.messages %}{{ m.text }}{{ m.at.year }}{% endfor %}Hi",
    ],
)
def test_what_is_looked_after_is_no_problem(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "Hi{% if lead.company is defined %}\n{{ lead.seats }}{% endif %}",
            "answer.j2:5: {FULL}: ",
        ),
        ("Hi{% if thread.count > 1 %}\n{{ 1 / 0 }}{% endif %}", "answer.j2:5: {FULL}: division by"),
        ("Hi{% for m in thread.messages %}{{ m.txt }}{% endfor %}", "answer.j2:4: {FULL}: message"),
        ("{% if lead.company is not defined %}Hi{% endif %}", "answer.j2:1: {FULL}: the text is"),
    ],
)
def test_a_branch_that_only_a_full_lead_takes_is_tried_too(body: str, said: str) -> None:
    (problem,) = found(body)
    assert problem.startswith(said.replace("{FULL}", FULL))


def test_leads_have_the_fields_that_the_ledger_knows_of() -> None:
    body = "Hi{% if lead.seats is defined %}{{ lead.seats + 1 }}{% endif %}"
    assert found(body) == []
    (problem,) = found(body, fields={"seats": "12"})
    assert problem.startswith(f"answer.j2:4: {FULL}: can only concatenate str")


def test_each_mailbox_is_tried_with_its_row() -> None:
    rows = "accounts: {a@b.example: {name: A, phone: 1}, c@d.example: {name: C}}"
    body = "Hi{% if account.name is defined %}{{ account.phone }}{% endif %}"
    assert found(body, _settings=rows) == [
        (
            f"answer.j2:4: {FULL}, from c@d.example: account.phone is undefined; "
            'write {{ account.phone | default("…") }}'
        )
    ]


def test_each_variant_is_tried() -> None:
    body = 'Hi{% if variant == "b" %}\n{{ lead.company }}{% endif %}'
    (problem,) = found(body, front="when: true\nvariants: [a, b]")
    assert problem.startswith("answer.j2:6: ")


def test_each_example_is_tried() -> None:
    front = "when: true\nexamples: {match: [one, two]}"
    body = 'Hi{% if reply.text == "two" %}\n{{ lead.company }}{% endif %}'
    (problem,) = found(body, front=front)
    assert problem.startswith("answer.j2:6: ")


def test_each_translation_is_tried_in_its_language() -> None:
    german = "Hallo{% if reply.language == 'de' %}\n{{ lead.company }}{% endif %}"
    (problem,) = found("Hi", **{"answer.de_j2": german})
    assert problem.startswith("answer.de.j2:2: ")


def test_subject_and_parts_are_tried_where_they_stand() -> None:
    front = "when: true\nsubject: '{{ lead.company }}'"
    assert found("Hi", front=front)[0].startswith(f"answer.j2:3: {BARE}subject: lead.company is")
    assert 'default("…")' in found("Hi", front=front)[0]
    part = found("{% include '_part.j2' %}", _part_j2="\nHi {{ lead.company }}")
    assert part[0].startswith(f"_part.j2:2: {BARE}")


def test_one_line_is_told_once_whoever_comes_upon_it() -> None:
    front = "when: true\nexamples: {match: [one, two]}"
    both = {"b_j2": "---\nwhen: true\n---\n{% include '_part.j2' %}", "_part_j2": "{{ lead.age }}"}
    assert len(found("{% include '_part.j2' %}", front=front, **both)) == 1


def test_every_field_that_is_missing_is_told_at_once() -> None:
    lines = found("{{ lead.first_name }}\n{{ lead.company }}\n{{ account.phone }}\n{{ 1 / 0 }}")
    assert [line.partition(f": {BARE}")[0] for line in lines][:3] == [
        "answer.j2:4", "answer.j2:5", "answer.j2:6",
    ]  # fmt: skip


def test_what_is_undefined_without_an_owner_gets_no_advice() -> None:
    (line,) = found("{% set a = {} %}{{ a.b }}")
    assert "default" not in line


@pytest.mark.parametrize("action", ["skip", "hold", "opt_out"])
def test_a_text_that_is_never_sent_need_not_be_filled_in(action: str) -> None:
    assert found("{{ lead.company }}", front=f"when: true\naction: {action}") == []
