"""The published API's own document, as a judge of requests and answers."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

DOCUMENT = Path(__file__).parents[3] / "shared" / "instantly" / "openapi-v2.json"
REASON = f"{DOCUMENT.name} is not beside this project"

JSON = "application/json"


@dataclass(kw_only=True)
class Exchange:
    """A request and its answer; the library asks for these names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes | None
    content_type: str = JSON
    status_code: int = 200
    data: bytes = b""
    host_url: str = "https://api.instantly.ai"
    parameters: RequestParameters = field(init=False)

    def __post_init__(self) -> None:
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(self.query), header=Headers(list(self.headers.items()))
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path} {dict(self.query)} {(self.body or b'')[:300]!r}"


class Published:
    """Says what is wrong with an exchange; the document leaves some things open, this does not."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
        self._judge = OpenAPI.from_dict(self.document, config=Config(spec_validator_cls=None))

    def problems(self, exchange: Exchange) -> list[str]:
        return [*self.problems_of_request(exchange), *self.problems_of_answer(exchange)]

    def problems_of_request(self, exchange: Exchange) -> Iterator[str]:
        try:
            self._judge.validate_request(exchange)
        except OpenAPIError as error:
            yield f"{exchange}: {error} {error.__cause__ or ''}"
            return
        operation = self.operation(exchange)
        known = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
        yield from (f"{exchange}: parameter {name}" for name in exchange.query if name not in known)
        if "requestBody" in operation:
            yield from self._unknown_fields(exchange, operation)
        elif exchange.body or exchange.headers.get("Content-Type"):
            yield f"{exchange}: there must be no body, and no word of one"

    def problems_of_answer(self, exchange: Exchange) -> Iterator[str]:
        try:
            self._judge.validate_response(exchange, exchange)
        except OpenAPIError as error:
            yield f"{exchange} → {exchange.status_code} {exchange.data[:300]!r}: {error.__cause__}"

    def operation(self, exchange: Exchange) -> dict[str, Any]:
        """Return what the document says; a path without a parameter goes before one with."""
        for template in sorted(self.document["paths"], key=lambda path: path.count("{")):
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            found = self.document["paths"][template].get(exchange.method.lower())
            if found and re.fullmatch(pattern, exchange.path):
                return dict(found)
        raise AssertionError(f"no such operation: {exchange}")

    def _unknown_fields(self, exchange: Exchange, operation: dict[str, Any]) -> Iterator[str]:
        schema = operation["requestBody"]["content"][JSON]["schema"]
        told = json.loads(exchange.body or b"{}")
        yield from (f"{exchange}: field {n}" for n in told if n not in schema.get("properties", {}))
