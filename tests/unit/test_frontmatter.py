from datetime import timedelta

import pytest

from worker.domain.calendars import Holidays
from worker.domain.frontmatter import (
    FrontMatter,
    TemplateError,
    TemplateSettings,
    line_of,
    load_yaml,
    split,
    validate,
)
from worker.domain.model import Caps, Mode


def matter(text: str) -> FrontMatter:
    return validate(FrontMatter, "a.j2", load_yaml("a.j2", text), text)


def settings(text: str) -> TemplateSettings:
    return validate(TemplateSettings, "_settings.yaml", load_yaml("_settings.yaml", text), text)


def test_only_when_is_required() -> None:
    front = matter("when: true")
    assert front.when is True
    assert (front.priority, front.action, front.mode) == (50, "reply", Mode.SEND)
    assert front.subject == "Re: {{ thread.subject }}"
    assert front.delay == (timedelta(0), timedelta(0))
    assert front.hours is None
    assert (front.undo, front.resume) == (timedelta(0), False)


def test_everything_can_be_written_down() -> None:
    front = matter(
        "when: reply is mentioning('price')\npriority: 7\nsubject: Hi\naction: skip\nmode: hold\n"
        "delay: 3m..9m\nundo: 30s\nhours: Mon-Fri 09:00-17:30\nexamples: {match: [a], skip: [b, c]}"
    )
    assert front.delay == (timedelta(minutes=3), timedelta(minutes=9))
    assert front.undo == timedelta(seconds=30)
    assert front.hours is not None
    assert front.examples.skip == ("b", "c")


@pytest.mark.parametrize("off", ["off", "false", "no", "", "null"])
def test_hours_can_be_taken_back(off: str) -> None:
    assert matter(f"when: true\nhours: {off}").hours is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("priority: 1", "a.j2:1: when is missing"),
        ("when:", "a.j2:1: when is missing"),
        ("", "a.j2:1: when is missing"),
        ("when: true\nprioritty: 1", "a.j2:2: unknown key prioritty; did you mean priority?"),
        ("when: true\nzzz: 1", "a.j2:2: unknown key zzz"),
        (
            "when: true\nexamples: {matches: []}",
            "a.j2:2: unknown key examples.matches; did you mean match?",
        ),
        ("when: true\n\ndelay: soon", "a.j2:3: delay: 'soon' is no duration; write 90s"),
        ("when: true\ndelay: " + "9" * 30, "a.j2:2: delay: "),
        ("when: true\nundo: soon", "a.j2:2: undo: 'soon' is no duration; write 90s"),
        (
            "when: true\nresume: true\naction: skip",
            "a.j2:2: resume: only an answer can resume; set action: reply",
        ),
        ("when: true\nresume: later", "a.j2:2: resume: "),
        ("when: true\nresum: true", "a.j2:2: unknown key resum; did you mean resume?"),
        ("when: true\nhours: 9-5", "a.j2:2: hours: '9-5' are no hours; write them like"),
        ("when: true\nmode: loud", "a.j2:2: mode: "),
        ("when: true\naction: shout", "a.j2:2: action: "),
        ("when: true\npriority: high", "a.j2:2: priority: "),
        ("when: true\nexamples: {match: one}", "a.j2:2: examples.match: "),
        ("1: one\nwhen: true", "a.j2:1: "),
        ("just words", "a.j2:1: expected keys with values, like when: true"),
        ("- when", "a.j2:1: expected keys with values"),
        ("when: a: b", "a.j2:1: mapping values are not allowed here; put the value in quotes"),
        ("when: true\n\tpriority: 1", "a.j2:2: "),
        ("when: [1", "a.j2:1: "),
        ("when: 2026-02-30", "a.j2:1: day is out of range"),
        ("when: !!python/object:os.system {}", "a.j2:1: could not determine a constructor"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(text: str, error: str) -> None:
    with pytest.raises(TemplateError) as raised:
        matter(text)
    assert str(raised.value).startswith(error)
    assert raised.value.name == "a.j2"


def test_settings_may_be_empty_or_all_comments() -> None:
    for text in ("", "# nothing yet\n", "vars:\ncaps:\naccounts:\nexclude:\n"):
        assert settings(text) == TemplateSettings()


def test_caps_that_are_not_set_are_the_services_own() -> None:
    assert Caps(**settings("").caps.model_dump()) == Caps()
    assert settings("caps: {per_thread: 5}").caps.per_template == 1


def test_a_cap_can_be_off() -> None:
    caps = settings("caps: {per_thread: off, per_template: 'off', per_lead_day: 0}").caps
    assert (caps.per_thread, caps.per_template, caps.per_lead_day) == (None, None, 0)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("vars: {}\ncap: {}", "_settings.yaml:2: unknown key cap; did you mean caps?"),
        ("caps: {per_thread: many}", "_settings.yaml:1: caps.per_thread: 'many' is no cap"),
        ("caps: {per_thread: -1}", "_settings.yaml:1: caps.per_thread: -1 is no cap"),
        ("caps: {per_thread: true}", "_settings.yaml:1: caps.per_thread: True is no cap"),
        ("caps: {per_tread: 1}", "_settings.yaml:1: unknown key caps.per_tread; did you mean"),
        ("timezone: Berlin", "_settings.yaml:1: timezone: 'Berlin' is no time zone"),
        ("holidays: GER", "_settings.yaml:1: holidays: 'GER' is no country; did you mean DE (ger"),
        ("holidays: NO", '_settings.yaml:1: holidays: YAML reads NO and off as false; write "NO"'),
        ("holidays: [DE-XX]", "_settings.yaml:1: holidays: 'DE-XX' is no region of DE"),
        (
            "accounts: {a@b.example: {holidays: GER}}",
            "_settings.yaml:1: accounts.a@b.example.holidays: 'GER' is no country",
        ),
        (
            "campaigns: {Q4: {timezone: Tokyo}}",
            "_settings.yaml:1: campaigns.Q4.timezone: 'Tokyo' is no time zone",
        ),
        ("campaigns: {Q4: {zone: UTC}}", "_settings.yaml:1: unknown key campaigns.Q4.zone"),
        ("opt_out: company", "_settings.yaml:1: opt_out: "),
        (
            "accounts: {a@b.example: {timezone: CET+9}}",
            "_settings.yaml:1: accounts.a@b.example.timezone: 'CET+9' is no time zone",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_named(text: str, error: str) -> None:
    with pytest.raises(TemplateError) as raised:
        settings(text)
    assert str(raised.value).startswith(error)


def test_an_account_is_found_whatever_the_case_of_its_address() -> None:
    found = settings("accounts: {Sam@Ours.example: {name: Sam, phone: 1}}")
    account = found.account("sam@ours.EXAMPLE")
    assert account is not None
    assert account.model_dump() == {"timezone": "", "name": "Sam", "phone": 1}
    assert found.account("") is None


def test_the_holidays_of_a_mailbox_are_for_the_clock_and_not_for_templates() -> None:
    account = settings("accounts: {a@b.example: {holidays: [DE-BY, US]}}").account("a@b.example")
    assert account is not None
    assert account.holidays == Holidays(("DE-BY", "US"))
    assert account.model_dump() == {"timezone": ""}


def test_no_holidays_are_something_else_than_none_named() -> None:
    assert settings("holidays: []").holidays == Holidays()
    assert settings("holidays:").holidays is None


def test_a_campaign_is_found_by_its_id_or_its_name() -> None:
    found = settings("campaigns: {c-1: {timezone: UTC}, Q4 Asia: {timezone: Asia/Tokyo}}")
    by_id, by_name = found.campaign("C-1", "other"), found.campaign("x", " q4 ASIA ")
    assert by_id is not None
    assert by_name is not None
    assert (by_id.timezone, by_name.timezone) == ("UTC", "Asia/Tokyo")
    assert found.campaign("", "") is None


def test_an_opt_out_covers_the_address_unless_it_is_set_to_cover_the_domain() -> None:
    assert settings("").opt_out == "address"
    assert settings("opt_out: domain").opt_out == "domain"


def test_both_parts_of_a_file_keep_their_line_numbers() -> None:
    front, text = split("a.j2", "---\n\nwhen: true\nmode: hold\n---\n\nline seven\n---\nline nine")
    assert line_of("when", front) == 3
    assert line_of("mode", front) == 4
    assert text.split("\n")[6:] == ["line seven", "---", "line nine"]


def test_windows_line_ends_change_nothing() -> None:
    front, text = split("a.j2", "---\r\nwhen: true\r\n---\r\nHello\r\n")
    assert load_yaml("a.j2", front) == {"when": True}
    assert text.split("\n")[3].strip() == "Hello"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("", "a.j2:1: no front matter; begin the file with ---"),
        ("Hello\n---\nwhen: true\n---\n", "a.j2:1: no front matter"),
        ("---\nwhen: true\nHello", "a.j2:1: the front matter never ends; close it with ---"),
        ("---", "a.j2:1: the front matter never ends"),
    ],
)
def test_a_file_without_front_matter_is_refused(source: str, error: str) -> None:
    with pytest.raises(TemplateError) as raised:
        split("a.j2", source)
    assert str(raised.value).startswith(error)


def test_a_line_is_that_of_a_top_level_key() -> None:
    text = "examples:\n  when: no\nwhen: true\n"
    assert line_of("when", text) == 3
    assert line_of("absent", text) == 1
