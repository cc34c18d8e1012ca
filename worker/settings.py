"""Settings from the environment, `.env` and secret files; wrong ones stop the start."""

import difflib
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from dotenv import dotenv_values
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from worker.domain.durations import parse_duration
from worker.domain.errors import ConfigurationError
from worker.domain.model import Mode
from worker.domain.rates import Rate, parse_rates, spacing

PREFIX: Final = "AUTOREPLY_"
SECRETS: Final = frozenset(
    {"api_key", "webhook_secret", "admin_password", "redis_url", "broker_url", "notify"}
)
"""Settings that may also come from a file: `AUTOREPLY_API_KEY_FILE=/run/secrets/api_key`."""


_CALLS_IN_A_LEASE: Final = 8
_LEDGERS: Final = ("redis", "rediss", "unix")
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s/?#]+\S*$", re.IGNORECASE)
_BROKERS: Final = ("redis", "rediss", "redis+socket", "amqp", "amqps", "pyamqp")


def _secrets(value: object) -> tuple[SecretStr, ...]:
    if isinstance(value, str):
        return tuple(SecretStr(part.strip()) for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, tuple | list) else ()


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_secrets)]


class Settings(BaseSettings):
    """Everything that can be set. Names in the environment are `AUTOREPLY_` + upper case."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    api_url: str = Field("https://api.instantly.ai/api", description="base; /v2/… is added")
    api_key: SecretStr = Field(SecretStr(""), description="the provider's key")
    api_contract: Literal["auto", "lead", "email"] = Field("auto", description="how the API speaks")
    redis_url: str = Field("", repr=False, description="the ledger")
    broker_url: str = Field("", repr=False, description="Celery's broker; default: the Redis URL")
    webhook_secret: Secrets = Field((), description="comma list; any one of them is accepted")
    admin_password: SecretStr = Field(
        SecretStr(""), description="the console's, and Flower's for user admin"
    )
    workspaces: Path | None = Field(None, description="file of several workspaces' rows")
    workspace: str = Field("", description="the row that a command is about")
    templates: Path = Field(Path("templates"), description="folder of the template files")
    mode: Mode = Field(Mode.SEND, description="send, hold or shadow; the stricter one wins")
    data: Path = Field(Path("var"), description="embedded server, spool, made secrets")
    host: str = Field("127.0.0.1", description="where the receiver and Flower listen")
    port: int = Field(8000, ge=1, le=65535, description="the receiver's port")
    flower_port: int = Field(5555, ge=1, le=65535, description="Flower's port")
    sandbox_port: int = Field(8001, ge=1, le=65535, description="the sandbox API's port")
    concurrency: int = Field(8, ge=1, le=256, description="events a worker handles at a time")
    api_rate: str = Field("100/s,6000/m", description="calls the API allows")
    http_timeout: Duration = Field(timedelta(seconds=10), description="deadline of one call")
    lease: Duration = Field(timedelta(seconds=60), description="how long a worker holds an event")
    settle: Duration = Field(timedelta(seconds=600), description="how long a doubt is looked at")
    max_age: Duration = Field(timedelta(hours=72), description="older mail is not answered")
    retention: Duration = Field(timedelta(days=90), description="finished events are kept")
    notify: str = Field("", repr=False, description="Apprise URLs")
    public_url: str = Field("", description="where people reach the console; for links")
    log: Literal["json", "console", ""] = Field("", description="default: console in a terminal")

    @property
    def console(self) -> str:
        """The console's address as people have it."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def rates(self) -> tuple[Rate, ...]:
        """How often the API may be called."""
        return parse_rates(self.api_rate)

    @property
    def broker(self) -> str:
        """The broker's URL, which is the ledger's where none is set, in Celery's spelling."""
        ledger = self.redis_url
        if ledger.startswith("unix://"):
            ledger = ledger.replace("unix://", "redis+socket://", 1).replace(
                "?db=", "?virtual_host="
            )
        return self.broker_url or ledger

    @model_validator(mode="after")
    def _clocks_nest(self) -> "Settings":
        """Refuse clocks that do not nest: each must run out before the next one."""
        clocks = {
            "nothing": timedelta(0),
            "2 × AUTOREPLY_HTTP_TIMEOUT": 2 * self.http_timeout,
            "AUTOREPLY_LEASE": self.lease,
            "AUTOREPLY_SETTLE": self.settle,
            "AUTOREPLY_RETENTION": self.retention,
        }
        names = list(clocks)
        for shorter, longer in pairwise(names):
            if not clocks[shorter] < clocks[longer]:
                msg = (
                    f"{shorter} ({_seconds(clocks[shorter])}) must be shorter than "
                    f"{longer} ({_seconds(clocks[longer])})"
                )
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _answers_fit_the_rate(self) -> "Settings":
        """Refuse a rate at which an event is never read and answered within a lease."""
        apart, most = spacing(self.rates) / 1000, self.lease.total_seconds() / _CALLS_IN_A_LEASE
        if apart > most:
            msg = (
                f"AUTOREPLY_API_RATE={self.api_rate} is a call every {apart:g} s, of which an "
                f"event needs several while it is held: allow one every {most:g} s at least, or "
                f"raise AUTOREPLY_LEASE ({_seconds(self.lease)})"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _ports_differ(self) -> "Settings":
        if self.port == self.flower_port:
            msg = f"AUTOREPLY_PORT and AUTOREPLY_FLOWER_PORT are both {self.port}; change one"
            raise ValueError(msg)
        return self

    @field_validator("api_rate")
    @classmethod
    def _is_a_rate(cls, text: str) -> str:
        parse_rates(text)
        return text

    @field_validator("redis_url", "broker_url")
    @classmethod
    def _known_scheme(cls, url: str, info: ValidationInfo) -> str:
        known = _LEDGERS if info.field_name == "redis_url" else _BROKERS
        scheme = url.partition("://")[0]
        if url and scheme not in known:
            msg = f"unknown kind of address; begin it with one of {', '.join(known)}, and ://"
            raise ValueError(msg)
        return url

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if url and not _WEB_ADDRESS.match(url):
            msg = "no address of a console; write it like https://autoreply.example.com"
            raise ValueError(msg)
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from `load` only: it has put environment, file and secrets together."""
        return (init_settings,)


def load(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Read the settings.

    Args:
        environ: replaces the process's environment and `.env`.
        overrides: values that win over everything else.

    Raises:
        ConfigurationError: with what is wrong and every way to set it right.

    """
    values = _collect(_environment() if environ is None else environ)
    for name, value in overrides.items():
        values[name] = value
    return validated(values)


def validated(values: Mapping[str, Any]) -> Settings:
    """Check values by the settings' names.

    Raises:
        ConfigurationError: with what is wrong, and how it is right.

    """
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigurationError("; ".join(map(_explain, error.errors()))) from None


def _environment() -> dict[str, str]:
    """Return `.env` below the process's own environment, whose empty values count for none."""
    try:
        stored = {name: value or "" for name, value in dotenv_values(".env").items()}
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read .env: {error}"
        raise ConfigurationError(msg) from None
    return stored | {name: value for name, value in os.environ.items() if value}


def _collect(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.upper().startswith(PREFIX):
            continue
        name = variable.upper().removeprefix(PREFIX).lower()
        if name in Settings.model_fields:
            if value:
                values[name] = value
        elif name.removesuffix("_file") in SECRETS and name.endswith("_file"):
            if value:
                values.setdefault(name.removesuffix("_file"), read_secret(variable, value))
        else:
            raise ConfigurationError(_unknown(variable))
    return values


def read_secret(variable: str, path: str) -> str:
    """Return the secret in a file.

    Raises:
        ConfigurationError: naming the setting whose file cannot be read.

    """
    try:
        return Path(path).read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{variable}: cannot read {path!r}: {error}"
        raise ConfigurationError(msg) from None


def _unknown(variable: str) -> str:
    known = [name.upper() for name in Settings.model_fields]
    known += [f"{name.upper()}_FILE" for name in SECRETS]
    near = difflib.get_close_matches(variable.upper().removeprefix(PREFIX), known, 1)
    return f"unknown setting {variable}" + (f"; did you mean {PREFIX}{near[0]}?" if near else "")


def _explain(error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    field = str(error["loc"][0])
    name = PREFIX + field.upper()
    return f"{name}: {message}" if field in SECRETS else f"{name}={error['input']!r}: {message}"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g} s"


def missing(name: str) -> ConfigurationError:
    """Return the error that says every way to set a value."""
    variable = PREFIX + name.upper()
    ways = f"set {variable}, or {variable}_FILE" if name in SECRETS else f"set {variable}"
    server = "; or start `autoreply up`, which brings a server" if name == "redis_url" else ""
    return ConfigurationError(
        f"{variable} is not set: {ways}, in the environment or in .env{server}"
    )
