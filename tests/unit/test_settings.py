"""Settings: where they come from, what is refused, and what the refusal says."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from worker.domain.errors import ConfigurationError
from worker.domain.model import Mode
from worker.settings import PREFIX, SECRETS, Settings, load, missing

NAMES: dict[str, tuple[str, object]] = {
    "AUTOREPLY_API_URL": ("http://127.0.0.1:9/api", "http://127.0.0.1:9/api"),
    "AUTOREPLY_API_CONTRACT": ("lead", "lead"),
    "AUTOREPLY_REDIS_URL": ("redis://a:1/2", "redis://a:1/2"),
    "AUTOREPLY_BROKER_URL": ("amqp://b//", "amqp://b//"),
    "AUTOREPLY_TEMPLATES": ("other/folder", Path("other/folder")),
    "AUTOREPLY_MODE": ("shadow", Mode.SHADOW),
    "AUTOREPLY_DATA": ("/data", Path("/data")),
    "AUTOREPLY_HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - only read
    "AUTOREPLY_PORT": ("80", 80),
    "AUTOREPLY_FLOWER_PORT": ("81", 81),
    "AUTOREPLY_SANDBOX_PORT": ("82", 82),
    "AUTOREPLY_CONCURRENCY": ("3", 3),
    "AUTOREPLY_API_RATE": ("5/s", "5/s"),
    "AUTOREPLY_HTTP_TIMEOUT": ("2", timedelta(seconds=2)),
    "AUTOREPLY_LEASE": ("90s", timedelta(seconds=90)),
    "AUTOREPLY_SETTLE": ("5m", timedelta(minutes=5)),
    "AUTOREPLY_MAX_AGE": ("24h", timedelta(hours=24)),
    "AUTOREPLY_RETENTION": ("30d", timedelta(days=30)),
    "AUTOREPLY_NOTIFY": ("mailto://x", "mailto://x"),
    "AUTOREPLY_PUBLIC_URL": ("https://h.example", "https://h.example"),
    "AUTOREPLY_LOG": ("json", "json"),
    "AUTOREPLY_WORKSPACES": ("rows.yaml", Path("rows.yaml")),
    "AUTOREPLY_WORKSPACE": ("acme", "acme"),
}
SECRET_NAMES = ("AUTOREPLY_API_KEY", "AUTOREPLY_WEBHOOK_SECRET", "AUTOREPLY_ADMIN_PASSWORD")


def attribute(settings: Settings, variable: str) -> object:
    return getattr(settings, variable.removeprefix(PREFIX).lower())


def plain(settings: Settings) -> dict[str, object]:
    """Return the secrets' values under their settings' names."""
    return {
        "api_key": settings.api_key.get_secret_value(),
        "webhook_secret": [one.get_secret_value() for one in settings.webhook_secret],
        "admin_password": settings.admin_password.get_secret_value(),
        "redis_url": settings.redis_url,
        "broker_url": settings.broker_url,
        "notify": settings.notify,
    }


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(environ)
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in an empty folder, with no setting in the environment."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("variable", "text", "value"), [(n, *v) for n, v in NAMES.items()])
def test_every_setting_is_read_under_its_name(variable: str, text: str, value: object) -> None:
    assert attribute(load({variable: text}), variable) == value


def test_the_names_tested_here_are_all_there_are() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert known == set(NAMES) | set(SECRET_NAMES)


def test_without_any_setting_the_defaults_hold() -> None:
    settings = load({})
    assert settings.api_url == "https://api.instantly.ai/api"
    assert (settings.host, settings.port, settings.flower_port) == ("127.0.0.1", 8000, 5555)
    assert (settings.http_timeout, settings.lease, settings.settle) == (
        timedelta(seconds=10), timedelta(seconds=60), timedelta(seconds=600),
    )  # fmt: skip
    assert (settings.max_age, settings.retention) == (timedelta(hours=72), timedelta(days=90))
    assert (settings.mode, settings.api_contract) == (Mode.SEND, "auto")
    assert (settings.webhook_secret, settings.api_rate) == ((), "100/s,6000/m")


def test_an_empty_value_counts_as_not_set() -> None:
    empty = dict.fromkeys([*NAMES, *SECRET_NAMES, *(f"{name}_FILE" for name in SECRET_NAMES)], "")
    assert load(empty) == load({})


def test_names_are_understood_in_any_case_and_others_are_left_alone() -> None:
    settings = load({"autoreply_port": "81", "Autoreply_Mode": "hold", "PORT": "1", "PATH": "x"})
    assert (settings.port, settings.mode) == (81, Mode.HOLD)


def test_the_broker_is_the_ledger_unless_it_is_set() -> None:
    url = "redis://a:1/2"
    assert load({"AUTOREPLY_REDIS_URL": url}).broker == url
    assert (
        load({"AUTOREPLY_REDIS_URL": url, "AUTOREPLY_BROKER_URL": "amqp://b"}).broker == "amqp://b"
    )


def test_overrides_win_over_everything() -> None:
    assert load({"AUTOREPLY_PORT": "81"}, port=82).port == 82


@pytest.mark.parametrize("rate", ["fast", "0/s", "5/d", "5/s,"])
def test_a_rate_that_is_none_is_refused_with_how_to_write_it(rate: str) -> None:
    said = refusal({"AUTOREPLY_API_RATE": rate})
    assert said.startswith(f"AUTOREPLY_API_RATE={rate!r}: ")
    assert "write 100/s, 6000/m or 9000/h" in said


def test_a_rate_too_slow_for_the_lease_is_refused_with_both_ways_out() -> None:
    said = refusal({"AUTOREPLY_API_RATE": "100/s,6/m"})
    assert "allow one every 7.5 s" in said
    assert "raise AUTOREPLY_LEASE (60 s)" in said
    load({"AUTOREPLY_API_RATE": "100/s,6/m", "AUTOREPLY_LEASE": "80s"})


# Secrets


@pytest.mark.parametrize(
    ("text", "secrets"),
    [("one", ["one"]), ("one,two", ["one", "two"]), (" one , two ,, ", ["one", "two"]), (",", [])],
)
def test_several_webhook_secrets_stand_in_a_comma_list(text: str, secrets: list[str]) -> None:
    assert plain(load({"AUTOREPLY_WEBHOOK_SECRET": text}))["webhook_secret"] == secrets


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = "redis://:s3cret@127.0.0.1" if name.endswith("_url") else "s3cret"
    path.write_text(f"\ufeff{secret}\r\n", "utf-8")
    value = plain(load({f"{PREFIX}{name.upper()}_FILE": str(path)}))[name]
    assert value == ([secret] if name == "webhook_secret" else secret)


def test_several_webhook_secrets_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("one,two\n", "utf-8")
    settings = load({"AUTOREPLY_WEBHOOK_SECRET_FILE": str(tmp_path / "secrets")})
    assert plain(settings)["webhook_secret"] == ["one", "two"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_secret_itself_wins_over_its_file(tmp_path: Path, *, turned: bool) -> None:
    (tmp_path / "key").write_text("from the file", "utf-8")
    both = [("AUTOREPLY_API_KEY", "itself"), ("AUTOREPLY_API_KEY_FILE", str(tmp_path / "key"))]
    assert plain(load(dict(both[::-1] if turned else both)))["api_key"] == "itself"


def test_a_secrets_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "binary"):
        said = refusal({"AUTOREPLY_API_KEY_FILE": str(path)})
        assert said.startswith("AUTOREPLY_API_KEY_FILE: cannot read")
        assert str(path) in said


def test_no_secret_shows_in_the_settings_text() -> None:
    settings = load(
        {
            "AUTOREPLY_API_KEY": "hidden-1",
            "AUTOREPLY_WEBHOOK_SECRET": "hidden-2,hidden-3",
            "AUTOREPLY_ADMIN_PASSWORD": "hidden-4",
            "AUTOREPLY_REDIS_URL": "redis://:hidden-5@a:1/2",
            "AUTOREPLY_BROKER_URL": "amqp://me:hidden-6@b//",
            "AUTOREPLY_NOTIFY": "slack://hidden-7",
        }
    )
    assert "hidden" not in f"{settings!r} {settings} {settings!s}"


def test_no_secret_shows_in_a_refusal() -> None:
    secrets = dict.fromkeys(SECRET_NAMES, "hidden") | {"AUTOREPLY_REDIS_URL": "redis://:hidden@a"}
    assert "hidden" not in refusal(secrets | {"AUTOREPLY_PORT": "many"})
    assert "hidden" not in refusal(secrets | {"AUTOREPLY_LEASE": "1"})


# .env


def test_settings_come_from_a_dot_env_below_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text(
        '# ours\nAUTOREPLY_PORT=81\nexport AUTOREPLY_HOST="h"\nAUTOREPLY_MODE=hold\nOTHER=x\n'
        "AUTOREPLY_LOG\n",
        "utf-8",
    )
    monkeypatch.setenv("AUTOREPLY_MODE", "shadow")
    settings = load()
    assert (settings.port, settings.host, settings.mode) == (81, "h", Mode.SHADOW)


def test_a_dot_env_with_a_byte_order_mark_is_read(folder: Path) -> None:
    (folder / ".env").write_text("\ufeffAUTOREPLY_PORT=81\n", "utf-8")
    assert load().port == 81


def test_a_dot_env_that_is_no_text_is_named(folder: Path) -> None:
    (folder / ".env").write_bytes(b"AUTOREPLY_PORT=81\n\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"cannot read \.env"):
        load()


def test_an_unknown_name_in_a_dot_env_is_refused(folder: Path) -> None:
    (folder / ".env").write_text("AUTOREPLY_PROT=81\n", "utf-8")
    with pytest.raises(ConfigurationError, match="did you mean AUTOREPLY_PORT"):
        load()


def test_no_dot_env_is_needed(folder: Path) -> None:
    assert load() == load({})


def test_an_environment_that_is_given_leaves_the_dot_env_alone(folder: Path) -> None:
    (folder / ".env").write_text("AUTOREPLY_PORT=81\n", "utf-8")
    assert load({}).port == 8000


# Durations and clocks


@pytest.mark.parametrize(
    ("text", "seconds"), [("700", 700), ("700s", 700), ("15m", 900), ("2h", 7200), ("1d", 86400)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert load({"AUTOREPLY_SETTLE": text}).settle == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["soon", "10 minutes", "-5", "5w", "1h30m", "nan"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    said = refusal({"AUTOREPLY_SETTLE": text})
    assert said.startswith(f"AUTOREPLY_SETTLE={text!r}: ")
    assert "write 90s, 5m, 2h or 7d" in said


def clocks(http: str, lease: str, settle: str, retention: str = "90d") -> dict[str, str]:
    return {
        "AUTOREPLY_HTTP_TIMEOUT": http,
        "AUTOREPLY_LEASE": lease,
        "AUTOREPLY_SETTLE": settle,
        "AUTOREPLY_RETENTION": retention,
    }


def test_clocks_may_be_short_as_long_as_they_nest() -> None:
    assert load(clocks("1", "3", "5")).lease == timedelta(seconds=3)
    assert load(clocks("0.2", "0.5", "0.6", "1")).http_timeout == timedelta(milliseconds=200)


@pytest.mark.parametrize(
    ("environ", "shorter", "longer"),
    [
        (clocks("30", "60", "600"), "2 × AUTOREPLY_HTTP_TIMEOUT (60 s)", "AUTOREPLY_LEASE (60 s)"),
        (clocks("5", "9.5", "600"), "2 × AUTOREPLY_HTTP_TIMEOUT (10 s)", "AUTOREPLY_LEASE (9.5 s)"),
        (clocks("1", "600", "10m"), "AUTOREPLY_LEASE (600 s)", "AUTOREPLY_SETTLE (600 s)"),
        (clocks("1", "3", "1h", "1h"), "AUTOREPLY_SETTLE (3600 s)", "AUTOREPLY_RETENTION (3600 s)"),
    ],
)
def test_clocks_that_do_not_nest_are_refused_by_name(
    environ: dict[str, str], shorter: str, longer: str
) -> None:
    assert refusal(environ) == f"{shorter} must be shorter than {longer}"


def test_a_deadline_of_nothing_is_refused() -> None:
    said = refusal({"AUTOREPLY_HTTP_TIMEOUT": "0"})
    assert said == "nothing (0 s) must be shorter than 2 × AUTOREPLY_HTTP_TIMEOUT (0 s)"


# Refusals


@pytest.mark.parametrize(
    ("variable", "right"),
    [
        ("AUTOREPLY_API_KEI", "AUTOREPLY_API_KEY"),
        ("AUTOREPLY_REDIS", "AUTOREPLY_REDIS_URL"),
        ("AUTOREPLY_WEBHOOK_SECRETS", "AUTOREPLY_WEBHOOK_SECRET"),
        ("AUTOREPLY_APIKEY_FILE", "AUTOREPLY_API_KEY_FILE"),
        ("autoreply_leaze", "AUTOREPLY_LEASE"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_right_one(variable: str, right: str) -> None:
    assert refusal({variable: "x"}) == f"unknown setting {variable}; did you mean {right}?"


def test_a_name_like_no_other_is_refused_without_a_guess() -> None:
    assert refusal({"AUTOREPLY_XYZZY_QQ": "x"}) == "unknown setting AUTOREPLY_XYZZY_QQ"


def test_only_secrets_may_come_from_files() -> None:
    assert refusal({"AUTOREPLY_PORT_FILE": "x"}).startswith("unknown setting AUTOREPLY_PORT_FILE")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("AUTOREPLY_PORT", "many"),
        ("AUTOREPLY_PORT", "0"),
        ("AUTOREPLY_PORT", "65536"),
        ("AUTOREPLY_CONCURRENCY", "0"),
        ("AUTOREPLY_MODE", "sned"),
        ("AUTOREPLY_API_CONTRACT", "smtp"),
        ("AUTOREPLY_LOG", "xml"),
    ],
)
def test_a_wrong_value_is_refused_by_name(variable: str, text: str) -> None:
    assert refusal({variable: text}).startswith(f"{variable}={text!r}: ")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    said = refusal({"AUTOREPLY_PORT": "many", "AUTOREPLY_MODE": "sned"})
    assert "AUTOREPLY_PORT='many'" in said
    assert "AUTOREPLY_MODE='sned'" in said


def test_what_is_missing_is_named_with_every_way_to_set_it() -> None:
    assert str(missing("api_key")) == (
        "AUTOREPLY_API_KEY is not set: set AUTOREPLY_API_KEY, or AUTOREPLY_API_KEY_FILE, "
        "in the environment or in .env"
    )
    assert "_FILE" not in str(missing("templates"))


def test_settings_cannot_be_changed() -> None:
    settings = load({})
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # the point


def test_an_empty_value_in_the_environment_does_not_hide_the_one_in_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("AUTOREPLY_MODE=shadow\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOREPLY_MODE", "")
    assert load().mode == "shadow"


def test_two_servers_on_one_port_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="are both 5555"):
        load({"AUTOREPLY_PORT": "5555"})


@pytest.mark.parametrize("url", ["foo", "ftp://h.example", "https://", "http:///inbox", "https:h"])
def test_a_console_that_is_at_no_web_address_is_refused(url: str) -> None:
    said = refusal({"AUTOREPLY_PUBLIC_URL": url})
    assert f"AUTOREPLY_PUBLIC_URL={url!r}: no address of a console; write it like https://" in said


@pytest.mark.parametrize("url", ["https://h.example:8443/a/", "HTTP://127.0.0.1:8000", ""])
def test_a_console_may_be_at_any_web_address(url: str) -> None:
    assert load({"AUTOREPLY_PUBLIC_URL": url}).public_url == url


@pytest.mark.parametrize(
    ("name", "url"), [("REDIS_URL", "amqp://x"), ("BROKER_URL", "foo://x"), ("REDIS_URL", "host")]
)
def test_an_address_of_an_unknown_kind_is_refused_without_being_shown(name: str, url: str) -> None:
    with pytest.raises(ConfigurationError, match="begin it with one of redis") as refused:
        load({f"AUTOREPLY_{name}": url})
    assert url not in str(refused.value)


def test_a_ledger_behind_a_socket_file_is_a_broker_in_celerys_spelling() -> None:
    settings = load({"AUTOREPLY_REDIS_URL": "unix:///run/valkey.sock?db=2"})
    assert settings.broker == "redis+socket:///run/valkey.sock?virtual_host=2"
