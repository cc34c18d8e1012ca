"""Asking the rules in turn: the first one that fits a reply decides."""

from worker.domain.decision import Decision, Hold, OptOut, Reply, Skip, Verdict
from worker.domain.environment import recording_words
from worker.domain.frontmatter import TemplateSettings
from worker.domain.model import TraceLine
from worker.domain.reading import Facts
from worker.domain.rendering import context
from worker.domain.rules import RENDER_ERRORS, Rule, Templates
from worker.domain.variants import draw, is_same_language, label


def choose(templates: Templates, facts: Facts, *, resume: bool = False) -> Verdict:
    """Ask the rules from the highest priority down; the first that fits decides.

    `resume`: ask those that write to somebody who was away, instead of all others.
    """
    known = context(facts, templates.settings)
    trace: list[TraceLine] = []
    rules = (rule for rule in templates.rules if rule.front.resume is resume)
    for text in (text for rule in rules for text in rule.asked(facts.language)):
        with recording_words() as fired:
            try:
                fits = text.fits(known)
            except RENDER_ERRORS as error:
                file, line = text.when_at
                detail = f"{file}:{line}: when: {error}"
                trace.append(_asked(text, "error", detail))
                return Verdict(Hold("template_error", detail, text.name), tuple(trace))
        if fits:
            words = ", ".join(f"“{word}”" for word in fired)
            drawn = draw(text.front.variants, text.name, facts.event)
            trace.append(_asked(text, "fits", words, drawn))
            return Verdict(_decision(text, templates.settings, facts, words), tuple(trace))
        trace.append(_asked(text, "no"))
    return Verdict(Hold("no_rule", "no template fits"), tuple(trace))


def _asked(text: Rule, outcome: str, detail: str = "", drawn: str = "") -> TraceLine:
    variant = label(text.variant, drawn)
    return TraceLine(step="rule", name=text.name, outcome=outcome, detail=detail, variant=variant)


def _decision(text: Rule, settings: TemplateSettings, facts: Facts, words: str) -> Decision:
    cap = settings.caps.per_template
    used = facts.tally.by_template.get(text.name, 0)
    match text.front.action:
        case "reply" if cap is not None and used >= cap:
            return Hold("cap_per_template", f"{used} of {cap}", text.name)
        case "reply":
            return Reply(text, _foreign(text, settings, facts.language))
        case "skip":
            return Skip("by_rule", words, text.name)
        case "hold":
            return Hold("by_rule", words, text.name)
        case "opt_out":
            return OptOut(words, text.name)


def _foreign(text: Rule, settings: TemplateSettings, language: str) -> str:
    """Say that they write another language than the text, where both are known and it counts."""
    ours = text.front.language
    if settings.other_language == "send" or not (language and ours):
        return ""
    same = is_same_language(language, ours)
    return "" if same else f"they write “{language}”, {text.file} is “{ours}”"
