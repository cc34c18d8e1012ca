"""What the person wrote, without the history that their mail program quotes below it."""

import re
from typing import Final

from worker.domain.words import clean

READ_AT_MOST: Final = 64 * 1024
"""Characters read from the top: nobody's answer is longer, and hostile mails are."""

_ATTRIBUTION: Final = re.compile(
    r"^\s*>?\s*(?:On\b.{4,200}\bwrote|Am\b.{4,200}\bschrieb\b.{0,120}|Le\b.{4,200}\ba écrit"
    r"|El\b.{4,200}\bescribió|Il\b.{4,200}\bha scritto|Op\b.{4,200}\bschreef\b.{0,120}"
    r"|Em\b.{4,200}\bescreveu)\s*:\s*$",
    re.IGNORECASE,
)
_SEPARATOR: Final = re.compile(
    r"^\s*(?:-{2,}\s*(?:Original Message|Forwarded message|Ursprüngliche Nachricht"
    r"|Message d'origine|Mensaje original|Messaggio originale)\s*-{2,}|_{10,})\s*$",
    re.IGNORECASE,
)
_HEADER: Final = re.compile(r"^\s*\*?(?:From|Von|De|Da|Van)\s*:\*?\s+\S", re.IGNORECASE)
_HEADER_NEXT: Final = re.compile(
    r"^\s*\*?(?:Sent|Date|To|Subject|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Para"
    r"|Asunto|Inviato|A|Oggetto|Verzonden|Aan|Onderwerp)\s*:\*?",
    re.IGNORECASE,
)
_SIGNATURE: Final = re.compile(r"^-- ?$|^Sent from my \w[\w ]{0,30}$", re.IGNORECASE)


def newest_words(text: str) -> str:
    """Return the newest part of a mail: no quoted lines, no history, no signature."""
    lines = clean(text[:READ_AT_MOST]).split("\n")
    kept = [line for line in lines[: _end(lines)] if not line.lstrip().startswith(">")]
    return "\n".join(line.rstrip() for line in kept).strip()


def _end(lines: list[str]) -> int:
    """Return the index of the first line that no longer is the person's own."""
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else ""
        if (
            _SEPARATOR.match(line)
            or _SIGNATURE.match(line)
            or _is_attribution(line, following)
            or (_HEADER.match(line) and _HEADER_NEXT.match(following))
        ):
            return index
    return len(lines)


def _is_attribution(line: str, following: str) -> bool:
    """Recognise `On … wrote:`, on one line or wrapped onto the next."""
    if _ATTRIBUTION.match(line[:400]):
        return True
    if len(line) >= 200 or _ATTRIBUTION.match(following[:400]):  # noqa: PLR2004 - "On it!" above it is theirs
        return False
    return bool(_ATTRIBUTION.match(f"{line} {following[:200]}"))
