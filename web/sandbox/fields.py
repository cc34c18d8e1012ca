"""What a request says, or a refusal in the provider's words."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from flask import request

from web.sandbox.names import JsonObject
from web.sandbox.refusal import Refusal

TEXT, FLAG, OBJECT, LIST = "string", "boolean", "object", "array"
NUMBER, WHOLE = "number", "integer"
NUMBER_OR_NULL, TEXT_OR_NULL, OBJECT_OR_NULL = "number,null", "string,null", "object,null"

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    TEXT: (str,),
    FLAG: (bool,),
    OBJECT: (dict,),
    LIST: (list,),
    NUMBER: (int, float),
    WHOLE: (int,),
    "null": (type(None),),
}


def body_of(
    required: Mapping[str, str], optional: Mapping[str, str], *, is_open: bool = False
) -> JsonObject:
    """Return the request's body, whose fields have these kinds; an open one may have others."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Refusal(400, "body must be object")
    for name in required:
        if name not in body:
            raise Refusal(400, f"body must have required property '{name}'")
    kinds = {**required, **optional}
    for name, value in body.items():
        if name in kinds:
            check(value, kinds[name], f"body/{name}")
        elif not is_open:
            raise Refusal(400, "body must NOT have additional properties")
    return body


def check(value: object, kind: str, where: str) -> None:
    """Refuse a value that is of none of the kinds."""
    types = [one for each in kind.split(",") for one in _TYPES[each]]
    is_number_by_name_only = isinstance(value, bool) and bool not in types
    if is_number_by_name_only or not isinstance(value, tuple(types)):
        raise Refusal(400, f"{where} must be {kind}")


def filled(body: JsonObject, *names: str) -> None:
    """Refuse texts that are empty."""
    for name in names:
        if not body[name].strip():
            raise Refusal(400, f"body/{name} must NOT have fewer than 1 characters")


def no_body() -> None:
    """Refuse a body where there must be none, and the content type of one that is empty."""
    if request.get_data():
        raise Refusal(400, "body must be empty")
    if request.content_type:
        raise Refusal(400, f"Body cannot be empty when content-type is set to '{request.mimetype}'")


def uuid_of(value: str, where: str = "params/id") -> str:
    """Return an id that is a UUID, or refuse."""
    try:
        if str(UUID(value)) == value.casefold():
            return value
    except ValueError:
        pass
    raise Refusal(400, f'{where} must match format "uuid"')
