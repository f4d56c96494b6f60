"""The page of the API needs nothing inline; `tests/e2e/test_api_docs.py` uses it."""

from django.test import Client


def test_nothing_on_it_is_inline_and_the_policy_is_strict(db: None) -> None:
    response = Client().get("/api/docs")
    html = response.content.decode()
    assert "<style" not in html
    assert "style=" not in html
    assert html.count("<script") == html.count("<script src=") == 3
    policy = response["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    script = Client().get("/api/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert b"/api/schema" in script.content
