"""Genuine or not: secrets, bearers and Standard Webhooks signatures, and whatever else comes."""

import base64
import hashlib
import hmac
import string
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from werkzeug.datastructures import Headers

from web.authenticity import TOLERANCE, has_secret, has_signature, is_signed

NOW = 1_795_185_000.0
BODY = b'{"event_type":"reply_received","lead_id":"abc123"}'
SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of key").decode()
OTHER = "whsec_" + base64.b64encode(b"another key of 24 bytes.").decode()
PLAIN = "a plain secret, with spaces & signs!"


def signature(secret: str | bytes = SECRET, *, body: bytes = BODY, at: float = NOW) -> str:
    return Webhook(secret).sign("msg_1", datetime.fromtimestamp(at, UTC), body.decode())


def signed(value: str, *, at: float | str = NOW, name: str = "msg_1") -> Headers:
    stamp = at if isinstance(at, str) else str(int(at))
    return Headers({"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": value})


def is_genuine(headers: Headers, *secrets: str, body: bytes = BODY, now: float = NOW) -> bool:
    return has_signature(headers, body, secrets or (SECRET,), now)


@pytest.mark.parametrize("name", ["X-Webhook-Secret", "x-webhook-secret", "X-WEBHOOK-SECRET"])
def test_the_secret_is_taken_from_its_header(name: str) -> None:
    assert has_secret(Headers({name: "s3cret"}), ["s3cret"])


@pytest.mark.parametrize(
    "value", ["Bearer s3cret", "bearer s3cret", "BEARER s3cret", "Bearer   s3cret  "]
)
def test_the_secret_is_taken_from_a_bearer_in_any_case(value: str) -> None:
    assert has_secret(Headers({"Authorization": value}), ["s3cret"])


@pytest.mark.parametrize(
    "value", ["s3cret", "Basic s3cret", "Bearers3cret", "Bearer", "Bearer ", "", "Bearer s3cret x"]
)
def test_anything_else_in_authorization_is_no_bearer(value: str) -> None:
    assert not has_secret(Headers({"Authorization": value}), ["s3cret"])


def test_each_of_several_secrets_is_accepted() -> None:
    secrets = ["old", "new"]
    assert all(has_secret(Headers({"X-Webhook-Secret": one}), secrets) for one in secrets)


def test_one_right_secret_is_enough() -> None:
    headers = Headers({"X-Webhook-Secret": "wrong", "Authorization": "Bearer right"})
    assert has_secret(headers, ["right"])


@pytest.mark.parametrize("given", ["", " ", "s3cre", "s3cret ", "S3CRET", "s3cret,old", "é"])
def test_a_secret_that_is_not_the_same_is_wrong(given: str) -> None:
    assert not has_secret(Headers({"X-Webhook-Secret": given}), ["s3cret"])


def test_nothing_is_genuine_without_a_secret_to_compare_with() -> None:
    assert not has_secret(Headers({"X-Webhook-Secret": ""}), [])
    assert not has_secret(Headers({"X-Webhook-Secret": ""}), [""])
    assert not has_secret(Headers(), ["s3cret"])
    assert not has_signature(signed(signature()), BODY, [], NOW)


def test_a_signature_of_the_published_library_is_right() -> None:
    headers = signed(signature())
    assert is_signed(headers)
    assert is_genuine(headers)


def test_the_published_library_takes_the_signature_too() -> None:
    """Guards the helper of these tests: both sides mean the same scheme."""
    now = datetime.now(UTC).timestamp()
    headers = dict(signed(signature(at=now), at=now).items())
    assert Webhook(SECRET).verify(BODY, {k.lower(): v for k, v in headers.items()})


def test_a_secret_without_its_prefix_signs_the_same() -> None:
    assert is_genuine(signed(signature()), SECRET.removeprefix("whsec_"))


@pytest.mark.parametrize("plain", [PLAIN, "schlüssel", "abc", "abcd"])
def test_a_plain_secret_signs_with_its_text(plain: str) -> None:
    assert is_genuine(signed(signature(plain.encode())), plain)


def test_a_signature_is_judged_against_every_secret() -> None:
    headers = signed(signature(OTHER))
    assert is_genuine(headers, SECRET, PLAIN, OTHER)
    assert not is_genuine(headers, SECRET, PLAIN)


def test_one_right_signature_of_several_is_enough() -> None:
    several = f"{signature(OTHER)} v1,AAAA v1a,ignored {signature()}"
    assert is_genuine(signed(several))


def test_another_version_of_a_right_signature_is_wrong() -> None:
    assert not is_genuine(signed(signature().replace("v1,", "v1a,")))
    assert not is_genuine(signed(signature().replace("v1,", "v2,")))


@pytest.mark.parametrize("at", [NOW - TOLERANCE, NOW, NOW + TOLERANCE])
def test_a_clock_may_be_off_by_five_minutes(at: float) -> None:
    assert is_genuine(signed(signature(at=at), at=at))


@pytest.mark.parametrize("at", [0.0, NOW - TOLERANCE - 1, NOW + TOLERANCE + 1, NOW * 2])
def test_an_old_or_future_signature_is_wrong(at: float) -> None:
    assert not is_genuine(signed(signature(at=at), at=at))


def test_a_changed_body_id_or_timestamp_is_wrong() -> None:
    assert not is_genuine(signed(signature()), body=BODY + b" ")
    assert not is_genuine(signed(signature(), name="msg_2"))
    assert not is_genuine(signed(signature(), at=NOW + 1))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_of_a_signature_is_needed(missing: str) -> None:
    headers = signed(signature())
    del headers[missing]
    assert not is_genuine(headers)


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_key_signs_nothing(secret: str) -> None:
    content = f"msg_1.{NOW:.0f}.".encode() + BODY
    forged = base64.b64encode(hmac.digest(b"", content, hashlib.sha256)).decode()
    assert not is_genuine(signed(f"v1,{forged}"), secret)


GARBAGE = (
    "", " ", ",", "v1", "v1,", ",v1", "v1,,", "v1,é", "v1," + "A" * 100_000, "v1,\x00",
    "v1 v1 v1", "=" * 1000, "\udcff", "v1,\ud800", "\u0661", "-1", "1e9", "nan", "9" * 5000,
    "²", "1_000", "+1795185000", "1795185000.0", "whsec_", "v1,Zm9v v1,Zm9v",
)  # fmt: skip


def short(garbage: str) -> str:
    return repr(garbage)[:20]


@pytest.mark.parametrize("garbage", GARBAGE, ids=short)
@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_garbage_in_a_header_is_wrong_and_raises_nothing(name: str, garbage: str) -> None:
    headers = dict(signed(signature()).items()) | {name: garbage}
    headers = {key.lower(): value for key, value in headers.items()}
    assert has_signature(headers, BODY, [SECRET, PLAIN], NOW) is False


@pytest.mark.parametrize("garbage", GARBAGE, ids=short)
@pytest.mark.parametrize("secret", ["s3cret", "whsec_!", "é", "\udcff"])
def test_garbage_for_a_secret_is_wrong_and_raises_nothing(garbage: str, secret: str) -> None:
    given = {"X-Webhook-Secret": garbage, "Authorization": f"Bearer {garbage}"}
    assert has_secret(given, [secret]) is (garbage.strip() == secret)
    assert has_signature(signed(signature()), BODY, [secret], NOW) is False


texts = st.text(string.printable + "é\x00\ud800\u0661²")


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["webhook-id", "webhook-timestamp", "webhook-signature", "X-Webhook-Secret",
             "Authorization"]
        ),
        texts,
    ),
    body=st.binary(),
    secret=texts.filter(bool),
)  # fmt: skip
def test_no_header_body_or_secret_raises(
    headers: Mapping[str, str], body: bytes, secret: str
) -> None:
    assert has_signature(headers, body, [secret], NOW) is False
    has_secret(headers, [secret])
    is_signed(headers)
