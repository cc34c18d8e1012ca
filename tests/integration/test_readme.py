"""The README's first template does what the README says."""

import re
from pathlib import Path

import pytest

from worker.domain import examples
from worker.domain.deciding import decide
from worker.domain.decision import Reply
from worker.domain.guards import Policy
from worker.domain.rules import Templates, build
from worker.library import read_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def blocks() -> list[str]:
    return re.findall(r"```jinja\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def with_first_template(text: str) -> Templates:
    return build(read_folder(ROOT / "templates") | {"integrations.j2": text})


def test_the_first_template_has_the_mistake_that_check_is_said_to_find(blocks: list[str]) -> None:
    found = [str(problem) for problem in examples.problems(with_first_template(blocks[0]))]
    assert len(found) == 1
    assert "integrations.j2" in found[0]
    assert "We run on Salesforce and are happy with it." in found[0]


def test_the_mended_rule_passes_and_answers(blocks: list[str]) -> None:
    mended = re.sub(r"^when: .*$", blocks[1].strip(), blocks[0], count=1, flags=re.MULTILINE)
    templates = with_first_template(mended)
    assert list(examples.problems(templates)) == []
    facts = examples.example_facts("Do you integrate with HubSpot?")
    decision = decide(facts, templates, Policy()).decision
    assert isinstance(decision, Reply)
    assert decision.rule.name == "integrations"
