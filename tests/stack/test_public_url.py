import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplatform.stack.errors import StackError
from faceplatform.stack.public_url import PublicUrl, web_bind


@pytest.mark.parametrize(
    ("text", "base", "bind", "secure"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1:8000", False),
        ("http://localhost:9000/", "http://localhost:9000", "127.0.0.1:9000", False),
        ("http://[::1]:8000", "http://[::1]:8000", "[::1]:8000", False),
        ("http://127.0.0.1", "http://127.0.0.1", "127.0.0.1:80", False),
        ("http://192.168.7.20:8000", "http://192.168.7.20:8000", "0.0.0.0:8000", False),
        ("http://Faces.Example.ORG:8000", "http://faces.example.org:8000", "0.0.0.0:8000", False),
        ("https://faces.example.org", "https://faces.example.org", "127.0.0.1:8000", True),
        ("https://faces.example.org:443/", "https://faces.example.org", "127.0.0.1:8000", True),
        (
            "https://faces.example.org:8443",
            "https://faces.example.org:8443",
            "127.0.0.1:8000",
            True,
        ),
        ("  http://127.0.0.1:8000\n", "http://127.0.0.1:8000", "127.0.0.1:8000", False),
    ],
)
def test_address_and_what_follows(text: str, base: str, bind: str, secure: bool) -> None:
    url = PublicUrl.parse(text)
    assert (url.base, url.bind, url.secure) == (base, bind, secure)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begin with http"),
        ("faces.example.org", "begin with http"),
        ("ftp://faces.example.org", "begin with http"),
        ("https://", "names no host"),
        ("https://user:pass@faces.example.org", "user name"),
        ("https://faces.example.org/app", "without a path"),
        ("https://faces.example.org/?a=1", "without a path"),
        ("https://faces.example.org/#top", "without a path"),
        ("http://127.0.0.1:eight", "port"),
        ("http://127.0.0.1:0", "port"),
        ("http://127.0.0.1:70000", "port"),
        ("http://0.0.0.0:8000", "address that people type"),
        ("http://[::]:8000", "address that people type"),
        ("http://a b.example.org", "not valid"),
        ("http://-a.example.org", "not valid"),
        ("http://*.example.org", "not valid"),
        ("http://[::1", "not valid"),
    ],
)
def test_anything_but_an_origin_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(StackError, match=reason):
        PublicUrl.parse(text)


def test_a_named_host_answers_to_itself_and_to_health_checks() -> None:
    url = PublicUrl.parse("https://faces.example.org")
    assert url.allowed_hosts == ("faces.example.org", "localhost", "127.0.0.1", "[::1]")
    assert url.csrf_origins == ("https://faces.example.org",)


def test_on_one_machine_all_its_names_are_one_origin() -> None:
    url = PublicUrl.parse("http://127.0.0.1:8000")
    assert set(url.allowed_hosts) == {"127.0.0.1", "localhost", "[::1]"}
    assert "http://localhost:8000" in url.csrf_origins


def test_international_names_become_ascii() -> None:
    assert PublicUrl.parse("https://gesichter.münchen.example").host == (
        "gesichter.xn--mnchen-3ya.example"
    )


def test_containers_may_listen_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://faces.example.org")
    assert web_bind() == "127.0.0.1:8000"
    monkeypatch.setenv("WEB_BIND", "0.0.0.0:8000")
    assert web_bind() == "0.0.0.0:8000"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        url = PublicUrl.parse(text)
    except StackError:
        return
    assert PublicUrl.parse(url.base) == url


@given(st.from_regex(r"https?://[a-z0-9.:\[\]-]{0,30}", fullmatch=True))
def test_any_likely_address_is_read_or_refused(text: str) -> None:
    try:
        url = PublicUrl.parse(text)
    except StackError:
        return
    assert PublicUrl.parse(url.base) == url
