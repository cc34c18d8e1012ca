"""Template files on disk: read again when they change, the last good version kept."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from worker.domain.errors import ConfigurationError
from worker.domain.rules import Templates
from worker.library import Library, read_folder, rebuild

GOOD = "---\nwhen: true\n---\nHello"
NO_FRONT = "Hello"
NO_WHEN = "---\npriority: 5\n---\nHello"
NO_END = "---\nwhen: true\n---\nHello {{ lead.first_name"


class Folder:
    """A template folder whose files change visibly, and the time that passes meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self._stamp = 1_700_000_000

    def write(self, name: str, text: str) -> None:
        self.touch(self.path / name, text.encode())

    def touch(self, file: Path, content: bytes) -> None:
        """Write a file with a modification time that no other one has."""
        file.write_bytes(content)
        self._stamp += 1
        os.utime(file, (self._stamp, self._stamp))

    def library(self) -> Library:
        return Library(self.path, clock=lambda: self.now)

    def after(self, library: Library, seconds: float = 1.0) -> Templates:
        self.now += seconds
        return library.current()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "templates"
    path.mkdir()
    found = Folder(path)
    found.write("a.j2", GOOD)
    found.write("b.j2", GOOD)
    return found


def names(templates: Templates) -> list[str]:
    return sorted(rule.name for rule in templates.rules)


def text(templates: Templates, name: str = "a") -> str:
    rule = templates.rule(name)
    assert rule
    return rule.body.render().strip()


def problems(templates: Templates) -> list[str]:
    return [str(problem) for problem in templates.problems]


def test_a_folder_is_read_at_the_start(folder: Folder) -> None:
    folder.write("_settings.yaml", "vars: {company: Acme}")
    folder.write("notes.txt", "no template")
    folder.write("_part.j2", "{# a part #}")
    (folder.path / "old.j2").mkdir()
    templates = folder.library().current()
    assert names(templates) == ["a", "b"]
    assert templates.settings.vars == {"company": "Acme"}


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(folder: Folder) -> None:
    folder.touch(folder.path / "a.j2", b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert text(folder.library().current()) == "Hello"


def test_files_that_editors_and_systems_leave_behind_are_no_templates(folder: Folder) -> None:
    folder.touch(folder.path / "._a.j2", b"\x00\x05\x16\x07\xff")
    (folder.path / ".#a.j2").symlink_to("me@here.1")
    assert names(folder.library().current()) == ["a", "b"]


# Changes


def test_a_change_is_seen_within_a_second(folder: Folder) -> None:
    library = folder.library()
    folder.write("a.j2", GOOD + " again")
    assert text(folder.after(library, 0.9)) == "Hello"
    assert text(folder.after(library, 0.1)) == "Hello again"


def test_a_change_of_the_same_length_is_seen_too(folder: Folder) -> None:
    library = folder.library()
    folder.write("a.j2", GOOD.replace("Hello", "Howdy"))
    assert text(folder.after(library)) == "Howdy"


def test_what_has_not_changed_is_not_read_again(folder: Folder) -> None:
    library = folder.library()
    before = library.current()
    assert folder.after(library) is before


def test_the_words_of_intents_are_read_and_read_again(folder: Folder) -> None:
    folder.write("_intents.yaml", "intents: {mine: {en: [abracadabra]}}")
    library = folder.library()
    assert library.current().intents.read("Abracadabra!")[0].name == "mine"
    folder.write("_intents.yaml", "intents: {mine: {en: [hocus pocus]}}")
    assert folder.after(library).intents.read("Hocus pocus!")[0].name == "mine"
    folder.write("_intents.yaml", "intents: {mine: [hocus pocus]}")
    templates = folder.after(library)
    assert problems(templates) == [
        "_intents.yaml:1: expected keys with values, like pricing: {en: [how much]}"
    ]
    assert templates.intents.read("Hocus pocus!")[0].name == "mine"


def test_a_new_file_is_a_new_rule(folder: Folder) -> None:
    library = folder.library()
    folder.write("c.j2", GOOD)
    assert names(folder.after(library)) == ["a", "b", "c"]


def test_a_deleted_file_is_no_rule_any_more(folder: Folder) -> None:
    library = folder.library()
    (folder.path / "a.j2").unlink()
    templates = folder.after(library)
    assert (names(templates), problems(templates)) == (["b"], [])


def test_an_emptied_folder_has_no_rules(folder: Folder) -> None:
    library = folder.library()
    for file in folder.path.iterdir():
        file.unlink()
    templates = folder.after(library)
    assert (names(templates), problems(templates)) == ([], [])


def test_a_changed_part_changes_what_includes_it(folder: Folder) -> None:
    folder.write("_part.j2", "one")
    folder.write("a.j2", '---\nwhen: true\n---\n{% include "_part.j2" %}')
    library = folder.library()
    folder.write("_part.j2", "two")
    assert text(folder.after(library)) == "two"


def test_changed_settings_reach_every_rule(folder: Folder) -> None:
    library = folder.library()
    folder.write("_settings.yaml", "defaults: {priority: 7}")
    assert [rule.front.priority for rule in folder.after(library).rules] == [7, 7]


# Broken changes


@pytest.mark.parametrize("broken", [NO_FRONT, NO_WHEN, NO_END, "", "---\nwhen: [\n---\nHello"])
def test_a_broken_change_keeps_the_last_good_version_and_says_so(
    folder: Folder, broken: str
) -> None:
    library = folder.library()
    folder.write("a.j2", broken)
    with capture_logs() as logs:
        templates = folder.after(library)
    assert (names(templates), text(templates)) == (["a", "b"], "Hello")
    (problem,) = problems(templates)
    assert problem.startswith("a.j2:")
    assert [(line["event"], line.get("problem")) for line in logs] == [
        ("template_broken", problem),
        ("templates_reloaded", None),
    ]


def test_a_broken_change_does_not_hold_up_the_others(folder: Folder) -> None:
    library = folder.library()
    folder.write("a.j2", NO_WHEN)
    folder.write("b.j2", GOOD + " again")
    folder.write("c.j2", GOOD)
    templates = folder.after(library)
    assert names(templates) == ["a", "b", "c"]
    assert (text(templates, "a"), text(templates, "b")) == ("Hello", "Hello again")


def test_a_file_stays_broken_until_it_is_mended(folder: Folder) -> None:
    library = folder.library()
    folder.write("a.j2", NO_WHEN)
    assert len(problems(folder.after(library))) == 1
    assert len(problems(folder.after(library))) == 1
    folder.write("b.j2", GOOD + " again")
    assert len(problems(folder.after(library))) == 1
    folder.write("a.j2", GOOD + " mended")
    templates = folder.after(library)
    assert (problems(templates), text(templates)) == ([], "Hello mended")


def test_the_only_template_is_kept_as_well(folder: Folder) -> None:
    (folder.path / "b.j2").unlink()
    library = folder.library()
    folder.write("a.j2", NO_WHEN)
    templates = folder.after(library)
    assert (names(templates), len(problems(templates))) == (["a"], 1)


def test_several_broken_files_are_all_kept_and_all_named(folder: Folder) -> None:
    folder.write("_settings.yaml", "defaults: {priority: 7}")
    library = folder.library()
    for name in ("a.j2", "b.j2", "_settings.yaml"):
        folder.write(name, "- no mapping" if name.endswith("yaml") else NO_WHEN)
    templates = folder.after(library)
    assert names(templates) == ["a", "b"]
    assert [rule.front.priority for rule in templates.rules] == [7, 7]
    assert sorted(p.split(":")[0] for p in problems(templates)) == [
        "_settings.yaml",
        "a.j2",
        "b.j2",
    ]


def test_a_new_file_that_is_broken_is_left_out_and_named(folder: Folder) -> None:
    library = folder.library()
    folder.write("c.j2", NO_WHEN)
    templates = folder.after(library)
    assert names(templates) == ["a", "b"]
    assert problems(templates) == ["c.j2:1: when is missing"]


def test_settings_that_break_a_rule_leave_everything_as_it_was(folder: Folder) -> None:
    folder.write("_settings.yaml", "timezone: Europe/Berlin")
    folder.write("a.j2", "---\nwhen: true\nhours: Mon-Fri 09:00-17:30\n---\nHello")
    library = folder.library()
    folder.write("_settings.yaml", "timezone: ''")
    templates = folder.after(library)
    assert names(templates) == ["a", "b"]
    assert templates.settings.timezone == "Europe/Berlin"
    assert problems(templates) == [
        "a.j2:3: hours needs a timezone in _settings.yaml, like timezone: Europe/Berlin"
    ]


def test_a_file_that_is_no_text_keeps_everything_as_it_was(folder: Folder) -> None:
    library = folder.library()
    folder.touch(folder.path / "a.j2", b"---\nwhen: true\n---\n\xff\xfe")
    with capture_logs() as logs:
        assert text(folder.after(library)) == "Hello"
    assert [line["event"] for line in logs] == ["templates_unreadable"]
    folder.write("a.j2", GOOD + " mended")
    assert text(folder.after(library)) == "Hello mended"


def test_a_folder_that_is_gone_for_a_while_changes_nothing(folder: Folder, tmp_path: Path) -> None:
    library = folder.library()
    shutil.move(folder.path, tmp_path / "away")
    with capture_logs() as logs:
        assert names(folder.after(library)) == ["a", "b"]
    assert [line["event"] for line in logs] == ["templates_unreadable"]
    shutil.move(tmp_path / "away", folder.path)
    folder.write("a.j2", GOOD + " again")
    assert text(folder.after(library)) == "Hello again"


def test_rebuilding_says_what_it_kept() -> None:
    good = {"a.j2": GOOD, "b.j2": GOOD}
    templates, kept = rebuild({"a.j2": NO_WHEN, "c.j2": NO_WHEN, "d.j2": GOOD}, good)
    assert kept == {"a.j2": GOOD, "d.j2": GOOD}
    assert (names(templates), len(templates.problems)) == (["a", "d"], 2)


# The start


@pytest.mark.parametrize("broken", [NO_FRONT, NO_WHEN, NO_END])
def test_a_broken_template_stops_the_start(folder: Folder, broken: str) -> None:
    folder.write("a.j2", broken)
    with pytest.raises(ConfigurationError, match=r"^a\.j2:\d+: "):
        folder.library()


def test_every_broken_template_is_named_at_the_start(folder: Folder) -> None:
    folder.write("a.j2", NO_WHEN)
    folder.write("b.j2", NO_FRONT)
    with pytest.raises(ConfigurationError, match=r"a\.j2:.*; b\.j2:|b\.j2:.*; a\.j2:"):
        folder.library()


def absent(path: Path) -> Path:
    return path / "absent"


def a_file(path: Path) -> Path:
    (path / "file").write_text("x")
    return path / "file"


@pytest.mark.parametrize("make", [absent, a_file])
def test_a_missing_folder_stops_the_start_and_says_what_to_set(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    for start in (Library, read_folder):
        with pytest.raises(ConfigurationError) as caught:
            start(path)
        assert "set AUTOREPLY_TEMPLATES" in str(caught.value)
        assert str(path) in str(caught.value)


def test_a_file_that_is_no_text_stops_the_start(folder: Folder) -> None:
    folder.touch(folder.path / "a.j2", b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot read the templates"):
        folder.library()


def test_a_part_that_goes_away_stays_in_use_while_it_is_included(folder: Folder) -> None:
    folder.write("a.j2", GOOD + " {% include '_part.j2' %}")
    folder.write("_part.j2", "there")
    library = folder.library()
    (folder.path / "_part.j2").unlink()
    after = folder.after(library)
    assert [str(problem) for problem in after.problems] == [
        "a.j2:4: there is no _part.j2 in the folder to include"
    ]
    assert names(after) == ["a", "b"]
    [rule] = (rule for rule in after.rules if rule.name == "a")
    assert rule.body.render().strip() == "Hello there"
    folder.write("_part.j2", "again")
    assert folder.after(library).problems == ()
