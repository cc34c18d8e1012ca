"""Everything that docs/templates.md shows is run, and everything there is is in it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from jinja2.tests import TESTS

from worker.cli import main
from worker.contracts import webhook
from worker.contracts.history import read_thread
from worker.domain.deciding import policy_of
from worker.domain.environment import Fields, make_environment
from worker.domain.examples import example_facts
from worker.domain.frontmatter import Advice, FrontMatter, TemplateSettings
from worker.domain.guards import Policy
from worker.domain.inspection import inspect
from worker.domain.model import Mode, Tally
from worker.domain.outcome import foresee
from worker.domain.reading import Facts, read
from worker.domain.rendering import context
from worker.domain.replay import foreseen
from worker.domain.rules import Templates, build
from worker.library import read_folder

ROOT = Path(__file__).parents[2]
SHIPPED = read_folder(ROOT / "templates")
SOURCE = (ROOT / "docs" / "templates.md").read_text("utf-8")
PAGE = re.sub(r"<!--.*?-->", "", SOURCE, flags=re.DOTALL)


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, up to the next heading of its level."""

    title: str
    text: str

    def fences(self, kind: str) -> dict[str, str]:
        """Return the code of one kind, by what stands behind the kind."""
        found = re.findall(rf"^```{kind}\b ?(.*)\n((?:.*\n)*?)```$", self.text, re.MULTILINE)
        return dict(found)

    def rows(self, *heads: str) -> list[list[str]]:
        """Return the rows of the table that has these heads."""
        head = r"\| " + r" \| ".join(map(re.escape, heads)) + r" \|\n\|[-|]+\|\n"
        tables = re.findall(head + r"((?:\|.*\|\n)+)", self.text)
        lines = [line for table in tables for line in table.strip().split("\n")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def sections(level: int, text: str = PAGE) -> list[Section]:
    parts = re.split(rf"^{'#' * level} (.+)\n", text, flags=re.MULTILINE)[1:]
    return [Section(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


def section(title: str) -> Section:
    return next(one for one in sections(2) if one.title == title)


def keys(title: str) -> dict[str, Section]:
    """Return the sections of a chapter that are about one key each."""
    return {one.title.strip("`"): one for one in sections(3, section(title).text)}


def code(cell: str) -> str:
    return cell.strip("`").replace("<br/>", "\n").replace("<br>", "\n")


def mistakes(templates: Templates) -> list[str]:
    return [str(one) for one in inspect(templates) if not isinstance(one, Advice)]


# Keys


def test_every_key_of_the_front_matter_has_its_section() -> None:
    assert keys("Front matter").keys() == FrontMatter.model_fields.keys()


@pytest.mark.parametrize("key", keys("Front matter"))
def test_the_example_of_a_key_is_front_matter(key: str) -> None:
    front = keys("Front matter")[key].fences("yaml")[""]
    assert re.search(rf"^{key}:", front, re.MULTILINE)
    whole = front if key == "when" else f"when: reply is mentioning('much')\n{front}"
    zone = {"_settings.yaml": "timezone: UTC"}
    templates = build({"answer.j2": f"---\n{whole}\n---\nHello", **zone})
    assert templates.problems == ()
    plain = build({"answer.j2": "---\nwhen: true\n---\nHello"}).rules[0].front
    shown = templates.rules[0].front
    is_default = key == "subject"
    assert (getattr(shown, key) == getattr(plain, key)) is is_default


def test_every_key_of_the_settings_has_its_section() -> None:
    assert keys("`_settings.yaml`").keys() == TemplateSettings.model_fields.keys()


@pytest.mark.parametrize("key", keys("`_settings.yaml`"))
def test_the_example_of_a_setting_is_one(key: str) -> None:
    text = keys("`_settings.yaml`")[key].fences("yaml")["_settings"]
    assert text.startswith(f"{key}:")
    assert build({"_settings.yaml": text}).problems == ()


def test_every_action_and_every_mode_is_explained() -> None:
    front = keys("Front matter")
    actions = front["action"].rows("value", "what happens when the template fits")
    assert {code(row[0]) for row in actions} == set(
        get_args(FrontMatter.model_fields["action"].annotation)
    )
    modes = front["mode"].rows("value", "what happens to the answer")
    assert {code(row[0]) for row in modes} == set(Mode)


# Files


CHAPTERS = [one for one in sections(2) if one.fences("jinja") and one.title != "Cookbook"]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda one: one.title)
def test_the_files_of_a_chapter_pass_the_check_beside_the_shipped_ones(chapter: Section) -> None:
    templates = build(SHIPPED | chapter.fences("jinja"))
    assert mistakes(templates) == []


def test_the_first_file_is_named_and_answers() -> None:
    templates = build(SHIPPED | section("A file").fences("jinja"))
    assert becomes("Is there a free trial?", "", templates) == "reply trial"


def test_variants_change_text_and_subject() -> None:
    templates = build(SHIPPED | section("Two texts against each other").fences("jinja"))
    leads = [known("Any references?", f"lead.id=l-{number}") for number in range(20)]
    outcomes = [foresee(lead, templates, Policy(), Mode.SEND) for lead in leads]
    drafts = {outcome.variant: outcome.draft for outcome in outcomes}
    assert drafts.keys() == {"short", "long"}
    assert len({draft.subject for draft in drafts.values() if draft}) == 2
    assert len({draft.body for draft in drafts.values() if draft}) == 2


# What is in reach


def documented_facts() -> Facts:
    reach = section("What is in reach")
    event = webhook.parse(json.loads(reach.fences("json")["event"]))
    thread = read_thread(json.loads(reach.fences("json")["thread"]), event)
    moment = example_facts("x").now
    return read(event, thread, received=moment, now=moment)


def values() -> dict[str, Any]:
    row = "\naccounts: {alex@mail.example.com: {name: Alex Morgan}}\n"
    settings = build({"_settings.yaml": SHIPPED["_settings.yaml"] + row}).settings
    return {**context(documented_facts(), settings), "variant": "short"}


VARIABLES = section("What is in reach").rows("variable", "is", "here")


@pytest.mark.parametrize(("name", "about", "here"), VARIABLES, ids=[row[0] for row in VARIABLES])
def test_a_variable_has_the_value_that_is_shown(name: str, about: str, here: str) -> None:
    filled = make_environment({}).from_string(f"{{{{ {code(name)} }}}}").render(values())
    assert about
    assert not here or filled == code(here)


def test_everything_in_reach_is_listed() -> None:
    listed = {code(row[0]) for row in VARIABLES}
    for name, value in values().items():
        fields = vars(value).keys() - {"_label"} if isinstance(value, Fields) else ()
        if name in ("lead", "vars"):
            assert any(one.startswith(f"{name}.") for one in listed)
        elif fields:
            assert {f"{name}.{field}" for field in fields} - {"account.timezone"} <= listed
        else:
            assert name in listed


# Tests


def asked() -> Iterator[tuple[str, str, str, str]]:
    name = ""
    for row in section("Tests").rows("test", "is true where", "example", "of this text", "gives"):
        name = code(row[0]) or name
        yield name, code(row[2]), code(row[3]), row[4]


@pytest.mark.parametrize(("name", "example", "text", "gives"), list(asked()))
def test_a_test_gives_what_is_shown(name: str, example: str, text: str, gives: str) -> None:
    assert f"is {name}(" in example
    reply = Fields("reply", {"text": text})
    found = make_environment({}).compile_expression(example)(**values() | {"reply": reply})
    assert found is (gives == "yes")


def test_every_test_of_our_own_is_listed() -> None:
    ours = make_environment({}).tests.keys() - TESTS.keys()
    assert {name for name, *_ in asked()} == ours


# The tools


def test_every_command_that_is_named_exists() -> None:
    named = set(re.findall(r"autoreply ([a-z]+)", PAGE))
    assert {"check", "preview", "backtest", "variants"} <= named
    assert named - {"worker"} <= main.commands.keys()


def test_every_link_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for level in (2, 3)
        for title in (one.title for one in sections(level))
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
    for path in re.findall(r"\]\((\.\.?/[^)#]+)", PAGE):
        assert (ROOT / "docs" / path).exists()


# Cookbook


RECIPES = sections(3, section("Cookbook").text)
ROWS = [
    (recipe, *row) for recipe in RECIPES for row in recipe.rows("they write", "known", "becomes")
]


def folder(recipe: Section) -> Templates:
    return build(SHIPPED | recipe.fences("jinja") | recipe.fences("yaml"))


def known(words: str, given: str) -> Facts:
    """Return the facts about a reply of whom a table's second column tells."""
    facts = example_facts(words)
    fields: dict[str, Any] = {}
    for name, value in (pair.split("=") for pair in filter(None, code(given).split("; "))):
        match name.split("."):
            case ["language"]:
                facts = replace(facts, language=value)
            case ["auto_replies"]:
                facts = replace(facts, tally=Tally(in_thread=int(value)))
            case ["campaign", "name"]:
                facts = replace(facts, event=replace(facts.event, campaign_name=value))
            case ["lead", "id" | "email" as field]:
                facts = replace(facts, event=replace(facts.event, **{f"lead_{field}": value}))
            case ["lead", field]:
                fields[field] = value
            case _:
                pytest.fail(f"the table knows no {name}")
    return replace(facts, event=replace(facts.event, lead=fields))


def becomes(words: str, given: str, templates: Templates) -> str:
    policy = policy_of(templates, Policy().max_age)
    return str(foreseen(foresee(known(words, given), templates, policy, Mode.SEND)))


def test_there_are_ten_recipes_and_each_has_a_table() -> None:
    assert [recipe.title.partition(".")[0] for recipe in RECIPES] == [str(n) for n in range(1, 11)]
    assert {row[0].title for row in ROWS} == {recipe.title for recipe in RECIPES}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda one: one.title)
def test_a_recipe_passes_the_check_beside_the_shipped_templates(recipe: Section) -> None:
    assert mistakes(folder(recipe)) == []
    assert recipe.fences("jinja") or recipe.fences("yaml")


@pytest.mark.parametrize(
    ("recipe", "words", "given", "fate"), ROWS, ids=[f"{row[0].title[:3]} {row[1]}" for row in ROWS]
)
def test_a_recipe_does_what_its_table_says(
    recipe: Section, words: str, given: str, fate: str
) -> None:
    assert becomes(words, given, folder(recipe)) == code(fate)
