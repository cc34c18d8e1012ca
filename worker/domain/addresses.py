"""What an address says of whoever has it. Addresses are bare and in lower case."""

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from worker.domain.lexicon import shipped
from worker.domain.words import fold

_DIGITS: Final = re.compile(r"\d+")
_COUNTRY_ENDING: Final = re.compile(r"(?:com?\.|net\.|org\.)?[a-z]{2,4}")


def local_part(address: str) -> str:
    """Return what stands before the @."""
    return address.rpartition("@")[0] if "@" in address else address


def domain_of(address: str) -> str:
    """Return what stands after the @, "" where there is none."""
    return address.rpartition("@")[2] if "@" in address else ""


def without_tag(address: str) -> str:
    """Return the mailbox that `name+tag@domain` is delivered to."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def is_nobodys(address: str) -> bool:
    """Say whether nobody reads mail at an address: `no-reply@`, `mailer-daemon@`, a list's."""
    local = local_part(address)
    roles = shipped("addresses")["roles"]["patterns"]
    return _refuses_replies(local) or any(fnmatchcase(local, role) for role in roles)


def _refuses_replies(local: str) -> bool:
    """Look for "no reply" among the words, whatever stands between, before and after them."""
    words = [_DIGITS.sub("", word) for word in fold(local).split()]
    known, longest = _no_replies()
    for start in range(len(words)):
        said = ""
        for word in words[start:]:
            said += word
            if said in known:
                return True
            if len(said) > longest:
                break
    return False


@lru_cache(maxsize=1)
def _no_replies() -> tuple[frozenset[str], int]:
    spellings = shipped("addresses")["no_reply"].values()
    known = frozenset(fold(phrase).replace(" ", "") for row in spellings for phrase in row)
    return known, max(map(len, known))


def company_domain(address: str) -> str:
    """Return the domain of a company's address; "" where anybody can have one like it."""
    domain = domain_of(address)
    free = shipped("addresses")["free_mail"]
    name, _, ending = domain.partition(".")
    shared = name in free["names"] and _COUNTRY_ENDING.fullmatch(ending)
    return "" if shared or domain in free["domains"] else domain
