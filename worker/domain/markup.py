"""From an HTML mail to the text that people see, marked as in plain mails.

Quoted lines begin with `> `, a rule of underscores stands where mail programs begin the
history without quoting it, and `-- ` above what they know to be a signature.
"""

import re
from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

_MOST_TAGS: Final = 10_000
_DEEPEST: Final = 250
"""Building the tree takes time by depth squared: so far it is milliseconds."""
_TAG: Final = re.compile(r"/?([a-zA-Z]\w*)")
_UNNESTED: Final = frozenset({
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta",
    "option", "p", "source", "td", "th", "tr", "wbr",
})  # fmt: skip
"""Tags that nothing is nested in, or that the next one of their kind closes."""

_UNSEEN: Final = ["script", "style", "head", "title", "template", "noscript"]
_BREAKS: Final = (
    "br, p, div, li, tr, h1, h2, h3, h4, h5, h6, blockquote, pre, table, ul, ol, dl, dt, dd, hr, "
    "section, article, address, center, header, footer"
)
_CELLS: Final = "td, th"
_PREFORMATTED: Final = 'pre, [style*="white-space:pre"], [style*="white-space: pre"]'

_ATTRIBUTIONS: Final = ".gmail_attr, .moz-cite-prefix"
_INDENT: Final = re.compile(r"border(?:-left)?:\s?(?:medium\s)?none", re.IGNORECASE)
"""A blockquote that only moves to the right what the person wrote."""
_HISTORY: Final = (
    '[id$="appendonsend"], [id$="divRplyFwdMsg"], [id$="stopSpelling"], [id$="zwchr"], '
    '[id$="ms-outlook-mobile-body-separator-line"], #mail-editor-reference-message-container, '
    '#OLK_SRC_BODY_SECTION, #isReplyContent, div.yahoo_quoted, div[id^="yahoo_quoted"], '
    'div[class*="yahoo_quoted"], div.protonmail_quote, div.tutanota_quote, div.zmail_extra, '
    'div.aol_quote, div.moz-forward-container, div.bloop_original_html, div[name="quote"], '
    '[data-marker="__DIVIDER__"], [data-marker="__QUOTED_TEXT__"], '
    '[style*="border-top:solid #E1E1E1" i], [style*="border-top:solid #B5C4DF" i], '
    '[style*="border-top: solid rgb(225, 225, 225)"], [style*="border-top:1pt solid rgb(225"], '
    '[style*="border-top: 1pt solid rgb(225"], [style*="border-top: 1pt solid rgb(181"]'
)
"""Where mail programs begin the history: answers to it may still stand between its quotes."""
_SIGNATURES: Final = (
    '.gmail_signature, [data-smartmail="gmail_signature"], .moz-signature, [id$="Signature"], '
    '[id$="AppleMailSignature"], [id$="ms-outlook-mobile-signature"], #composer_signature, '
    ".protonmail_signature_block, .bloop_sign, .front-signature, .tutanota-signature, "
    '[id^="ymail_"][id$="_signature"]'
)
_BREAK, _BEGINS, _ENDS = "\ue000", "\ue001", "\ue002"
"""Characters for private use: marks that no visible text has."""
_MARKS: Final = re.compile(f"[{_BREAK}{_BEGINS}{_ENDS}]")
_RULE: Final = "_" * 32
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def html_to_text(html: str) -> str:
    """Return the visible text of an HTML mail, a line for each block and line break.

    Read from the top up to as many tags, and as deep, as hostile nesting cannot make slow.
    """
    tree = LexborHTMLParser(_bounded(_MARKS.sub(" ", html)))
    tree.strip_tags(_UNSEEN)
    blocks = tree.css(_BREAKS)
    _keep_line_ends(tree.css(_PREFORMATTED) if blocks else tree.css("body"))
    for node in tree.css(_CELLS):
        node.insert_after(" ")
    for node in tree.css(_SIGNATURES):
        node.insert_before(f"{_BREAK}-- {_BREAK}")
    for node in (*tree.css(_HISTORY), *filter(_is_above_quote, tree.css(_ATTRIBUTIONS))):
        node.insert_before(f"{_BREAK}{_RULE}{_BREAK}")
    for node in filter(_is_quote, tree.css("blockquote")):
        node.insert_before(f"{_BREAK}{_BEGINS}{_BREAK}")
        node.insert_after(f"{_BREAK}{_ENDS}{_BREAK}")
    for node in blocks:
        node.insert_before(_BREAK)
        if node.tag != "br":
            node.insert_after(_BREAK)
    text = tree.root.text(deep=True) if tree.root else ""
    return _BLANK_LINES.sub("\n\n", "\n".join(_lines(text))).strip()


def _bounded(html: str) -> str:
    """Return the beginning of the HTML that has so many tags and is so deep at most."""
    pieces = html.split("<", _MOST_TAGS)[:_MOST_TAGS]
    depth = 0
    for index, piece in enumerate(pieces):
        tag = _TAG.match(piece) if index else None
        if tag and tag[1].lower() not in _UNNESTED:
            depth = max(depth + (-1 if piece[0] == "/" else 1), 0)
            if depth > _DEEPEST:
                return "<".join(pieces[:index])
    return "<".join(pieces)


def _keep_line_ends(nodes: list[LexborNode]) -> None:
    """Turn the line ends of preformatted text into breaks; elsewhere they are blanks."""
    texts = [
        child
        for node in nodes
        for child in node.traverse(include_text=True)
        if child.tag == "-text" and "\n" in (child.text_content or "")
    ]
    for child in texts:
        child.replace_with((child.text_content or "").replace("\n", _BREAK))


def _is_quote(node: LexborNode) -> bool:
    style = node.attributes.get("style") or ""
    return bool(node.attributes.get("class")) or not _INDENT.search(style)


def _is_above_quote(node: LexborNode) -> bool:
    """Tell the line above a quote from the header of a forwarded mail."""
    following = node.next
    while following is not None and following.tag in ("-text", "br"):
        following = following.next
    return following is not None and following.tag == "blockquote"


def _lines(text: str) -> Iterator[str]:
    """Yield the lines; those inside quotes begin with `> `, as in plain text."""
    depth = 0
    for line in text.split(_BREAK):
        folded = " ".join(line.split())
        if folded in (_BEGINS, _ENDS):
            depth += 1 if folded == _BEGINS else -1
        else:
            yield f"> {folded}" if depth > 0 and folded else folded
