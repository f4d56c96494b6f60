"""What was unclear in a request is refused with 4xx: never guessed, never a 500."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from faceplatform.accounts.roles import Scope
from recognition.models import Gallery, Identity
from tests.api.caller import JSON, Caller, refused, upload
from tests.factories import IdentityFactory
from tests.fakes import face_photo

GALLERIES = "/api/v1/galleries"
BOUNDARY = "xXboundaryXx"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def part(head: bytes, content: bytes = b"x") -> bytes:
    return b"--%s\r\n%s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), head, content)


def form(*parts: bytes, closed: bool = True) -> bytes:
    return b"".join(parts) + (b"--%s--\r\n" % BOUNDARY.encode() if closed else b"")


def file_head(filename: bytes, name: bytes = b"image") -> bytes:
    return b'Content-Disposition: form-data; name="%s"; filename="%s"' % (name, filename)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"[" * 100_000, 400, "malformed", id="deep array"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "malformed",
                     id="deep object"),
        pytest.param(b'{"name": "a", "metadata": ' + b'{"a":' * 30 + b"1" + b"}" * 31, 400,
                     "malformed", id="30 levels"),
        pytest.param(b'{"name": "' + b"a" * 2_000_000 + b'"}', 413, "body_too_large", id="2 MB"),
        pytest.param(b'{"name": "a", "name": "b"}', 400, "malformed", id="key twice"),
        pytest.param(b'{"name": "a", "metadata": {"k": 1, "k": 2}}', 400, "malformed",
                     id="inner key twice"),
        pytest.param('{"name": "a"}'.encode("utf-16"), 400, "malformed", id="UTF-16"),
        pytest.param(b'{"name": "\xff"}', 400, "malformed", id="not UTF-8"),
        pytest.param(b'["name"]', 400, "malformed", id="array"),
        pytest.param(b"null", 400, "malformed", id="null"),
        pytest.param(b'"name"', 400, "malformed", id="text"),
        pytest.param(b"{", 400, "malformed", id="broken off"),
        pytest.param(b"", 400, "invalid", id="empty"),
        pytest.param(b'{"name": "a", "probe_days": NaN}', 400, "malformed", id="NaN"),
        pytest.param(b'{"name": "a", "probe_days": Infinity}', 400, "malformed", id="Infinity"),
        pytest.param(b'{"name": "a", "probe_days": 1e400}', 400, "malformed", id="1e400"),
        pytest.param(b'{"name": "a", "probe_days": ' + b"9" * 5000 + b"}", 400, "malformed",
                     id="5,000 digits"),
        pytest.param(b'{"name": "a\\u0000b"}', 400, "malformed", id="NUL"),
        pytest.param(b'{"name": "\\ud800"}', 400, "malformed", id="half a surrogate pair"),
        pytest.param(b'{"name": "a", "description": "\\udc00"}', 400, "malformed", id="other half"),
    ],
)  # fmt: skip
def test_a_body_that_is_not_one_clear_json_object_is_refused(
    operator: Caller, gallery: Gallery, body: bytes, status: int, code: str
) -> None:
    refused(operator.raw(GALLERIES, body), status, code)
    assert Gallery.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "a", "metadata": {"k": "\\u0000"}}',
        b'{"name": "a", "metadata": {"\\u0000": 1}}',
        b'{"name": "a", "metadata": {"k": ["\\ud83d"]}}',
        b'{"name": "a", "notes": "\\u0000"}',
    ],
)
def test_text_that_cannot_be_stored_never_reaches_the_database(
    operator: Caller, gallery: Gallery, body: bytes
) -> None:
    refused(operator.raw(f"{GALLERIES}/{gallery.pk}/identities", body), 400, "malformed")


@pytest.mark.parametrize("value", [True, 1.5, "5", "abc", None, -1, 10**30, [1], {}])
def test_a_number_is_a_whole_number_within_its_limits(
    operator: Caller, gallery: Gallery, value: Any
) -> None:
    response = operator.post(GALLERIES, {"name": "Other", "probe_days": value})
    problem = refused(response, 400, response.json()["code"])
    assert [error["field"] for error in problem["errors"]] == ["probe_days"]


@pytest.mark.parametrize("value", [5, True, 1.0, ["a"], {"a": 1}, None])
def test_text_is_text(operator: Caller, gallery: Gallery, value: Any) -> None:
    response = operator.post(GALLERIES, {"name": value})
    assert refused(response, 400, "invalid")["errors"][0]["field"] == "name"


@pytest.mark.parametrize("value", [1, 0, "yes", "True", "true", None, []])
def test_truth_is_true_or_false(operator: Caller, gallery: Gallery, value: Any) -> None:
    response = operator.patch(f"{GALLERIES}/{gallery.pk}", {"searchable": value})
    assert refused(response, 400, "invalid")["errors"][0]["field"] == "searchable"
    gallery.refresh_from_db()
    assert gallery.searchable


@pytest.mark.parametrize("field", ["id", "organization", "organization_id", "created_by", "nmae"])
def test_a_field_that_is_not_known_is_refused(
    operator: Caller, gallery: Gallery, field: str
) -> None:
    response = operator.post(GALLERIES, {"name": "Other", field: str(gallery.organization_id)})
    problem = refused(response, 400, "unknown_field")
    assert problem["errors"][0]["field"] == field
    assert Gallery.objects.count() == 1


@pytest.mark.parametrize(
    ("content_type", "headers", "status", "code"),
    [
        ("application/x-www-form-urlencoded", {}, 415, "unsupported_media"),
        ("text/plain", {}, 415, "unsupported_media"),
        ("application/xml", {}, 415, "unsupported_media"),
        (MULTIPART, {}, 415, "unsupported_media"),
        (JSON, {"content-encoding": "gzip"}, 415, "unsupported_encoding"),
        (JSON, {"transfer-encoding": "chunked"}, 411, "length_required"),
    ],
)
def test_a_body_of_another_kind_is_refused(
    operator: Caller, content_type: str, headers: dict[str, str], status: int, code: str
) -> None:
    refused(operator.raw(GALLERIES, b'{"name": "a"}', content_type, **headers), status, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?nmae=x", "unknown_parameter"),
        ("?organization=1", "unknown_parameter"),
        ("?page=2", "unknown_parameter"),
        ("?limit=0", "limit_invalid"),
        ("?limit=-1", "limit_invalid"),
        ("?limit=201", "limit_invalid"),
        ("?limit=1000000000", "limit_invalid"),
        ("?limit=" + "9" * 40, "limit_invalid"),
        ("?limit=1.5", "limit_invalid"),
        ("?limit=true", "limit_invalid"),
        ("?limit=", "limit_invalid"),
        ("?limit=1&limit=2", "repeated_parameter"),
        ("?cursor=x", "cursor_invalid"),
        ("?cursor=", "cursor_invalid"),
        ("?cursor=cD0x", "cursor_invalid"),  # p=1
        ("?cursor=bz0xMA==", "cursor_invalid"),  # o=10
        ("?cursor=%00", "cursor_invalid"),
        ("?%00=1", "unknown_parameter"),
    ],
)
def test_a_parameter_that_is_not_understood_never_widens_an_answer(
    operator: Caller, gallery: Gallery, query: str, code: str
) -> None:
    refused(operator.get(GALLERIES + query), 400, code)


@pytest.mark.parametrize("query", ["?search=%00", "?search=%ED%A0%80", "?external_id=%00"])
def test_a_search_for_what_cannot_be_stored(operator: Caller, gallery: Gallery, query: str) -> None:
    response = operator.get(f"{GALLERIES}/{gallery.pk}/identities{query}")
    assert response.status_code in {200, 400}
    assert response.json().get("results", []) == []


@pytest.mark.parametrize("query", ["?limit=1", "?dry_run=true"])
def test_writes_take_no_parameters(operator: Caller, gallery: Gallery, query: str) -> None:
    refused(operator.post(GALLERIES + query, {"name": "Other"}), 400, "unknown_parameter")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v1/galleries/%00",
        "/api/v1/galleries/1",
        "/api/v1/galleries/not-a-uuid",
        "/api/v1/probes/00000000-0000-7000-8000-000000000000/faces/1/similar",
        f"/api/v1/probes/00000000-0000-7000-8000-000000000000/faces/{10**30}/similar",
        "/api/v2/galleries",
        "/api/",
    ],
)
def test_what_is_not_there_is_404_as_problem(operator: Caller, path: str) -> None:
    refused(operator.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["put", "delete", "options", "trace", "patch"])
def test_a_method_without_an_action_is_405(operator: Caller, method: str) -> None:
    problem = getattr(operator.client, method)(GALLERIES)
    refused(problem, 405, "method_not_allowed")
    assert "GET" in problem["Allow"]
    assert "OPTIONS" not in problem["Allow"]


def test_a_browser_that_wants_html_is_told_that_there_is_none(operator: Caller) -> None:
    refused(operator.get(GALLERIES, accept="text/html"), 406, "not_acceptable")


def test_errors_of_csv_addresses_are_problems_too(operator: Caller) -> None:
    path = "/api/v1/imports/00000000-0000-7000-8000-000000000000/items.csv"
    refused(operator.get(path, accept="text/csv"), 404, "not_found")


@pytest.mark.parametrize(
    "query",
    ["?api_key=abc", "?key=abc", "?X-Api-Key=abc", "?access_token=abc", "?limit=fp_0123abcd_abc"],
)
def test_a_key_in_the_url_is_refused_before_it_is_read(query: str, db: None) -> None:
    refused(Caller().get(GALLERIES + query), 400, "key_in_url")


def test_even_a_good_key_is_refused_in_the_url(key: Callable[..., Caller]) -> None:
    caller = key(Scope.READ)
    assert caller.get(GALLERIES).status_code == 200
    refused(caller.get(f"{GALLERIES}?key=anything"), 400, "key_in_url")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(form(part(file_head(b"a.png")), closed=False), "malformed_multipart",
                     id="no closing boundary"),
        pytest.param(form(part(file_head(b"a.png"), b"x" * 500))[:200], "malformed_multipart",
                     id="broken off in the file"),
        pytest.param(part(file_head(b"a.png"))[:40], "malformed_multipart",
                     id="broken off in a header"),
        pytest.param(b"nothing of the kind", "malformed_multipart", id="no boundary at all"),
        pytest.param(form(part(b"Content-Disposition: form-data")), "malformed_multipart",
                     id="part without a name"),
        pytest.param(form(part(b"Content-Type: image/png")), "malformed_multipart",
                     id="part without disposition"),
        pytest.param(form(part(file_head(b"n" * 5000 + b".png"))), "malformed_multipart",
                     id="5,000 characters of name"),
        pytest.param(form(*(part(file_head(b"%d.png" % i)) for i in range(150))),
                     "too_many_parts", id="150 files"),
        pytest.param(form(*(part(b'Content-Disposition: form-data; name="f%d"' % i)
                            for i in range(2000))), "too_many_parts", id="2,000 fields"),
        pytest.param(form(), "file_missing", id="no parts"),
        pytest.param(b"", "file_missing", id="no body"),
        pytest.param(form(part(b'Content-Disposition: form-data; name="image"')), "file_missing",
                     id="text where the file should be"),
        pytest.param(form(part(file_head(b"a.png", b"photo"))), "unknown_field",
                     id="another field"),
        pytest.param(form(part(file_head(b"a.png")), part(file_head(b"b.png"))), "repeated_field",
                     id="two photos"),
        pytest.param(form(part(file_head(b"a.png"), b"")), "file_empty", id="empty file"),
    ],
)  # fmt: skip
def test_a_form_that_is_not_whole_is_refused(
    operator: Caller, gallery: Gallery, body: bytes, code: str
) -> None:
    path = f"{GALLERIES}/{gallery.pk}/identify"
    refused(operator.raw(path, body, MULTIPART), 400, code)


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("multipart/form-data", "malformed_multipart"),
        ("multipart/form-data; boundary=", "malformed_multipart"),
        ("multipart/form-data; boundary=\u00e4", "malformed_multipart"),
    ],
)
def test_a_form_without_a_boundary_is_refused(
    operator: Caller, gallery: Gallery, content_type: str, code: str
) -> None:
    path = f"{GALLERIES}/{gallery.pk}/identify"
    refused(operator.raw(path, form(part(file_head(b"a.png"))), content_type), 400, code)


@pytest.mark.parametrize(
    ("filename", "kept"),
    [
        (b"../../etc/passwd", "passwd"),
        (b"C:\\photos\\x.png", "x.png"),
        (b"..", "unnamed"),
        (b".", "unnamed"),
        (b"a\x00b.png", "ab.png"),
        ("fl\u202egnp.png".encode(), "flgnp.png"),
        (b"<script>.png", "<script>.png"),
        ("ä 東京.png".encode(), "ä 東京.png"),
        (b"n" * 300 + b".png", "n" * 251 + ".png"),
    ],
)
def test_no_file_is_dropped_for_its_name(
    operator: Caller, gallery: Gallery, filename: bytes, kept: str
) -> None:
    body = form(part(file_head(filename), face_photo(1)))
    response = operator.raw(f"{GALLERIES}/{gallery.pk}/identify", body, MULTIPART)
    assert response.status_code == 200, response.content
    assert response.json()["name"] == kept


def test_a_photo_may_hold_the_bytes_of_a_line_with_hyphens(
    operator: Caller, gallery: Gallery
) -> None:
    data = face_photo(1) + b"\r\n--" + BOUNDARY[:-1].encode() + b"--\r\n"
    body = form(part(file_head(b"a.png"), data))
    response = operator.raw(f"{GALLERIES}/{gallery.pk}/identify", body, MULTIPART)
    assert response.status_code == 200, response.content


def test_a_body_above_the_limit_is_refused_by_its_length(
    operator: Caller, gallery: Gallery
) -> None:
    response = operator.client.generic(
        "POST",
        f"{GALLERIES}/{gallery.pk}/identify",
        b"x",
        content_type=MULTIPART,
        CONTENT_LENGTH=str(10**10),
    )
    refused(response, 413, "body_too_large")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("=HYPERLINK(1)", 201),
        ("+1", 201),
        ("-1", 201),
        ("@x", 201),
        ("👩🏽‍🚀", 201),
        ("\u202e\u05e9\u05dc\u05d5\u05dd", 201),
        ("   ", 400),
        ("\t\n", 400),
        ("", 400),
        ("n" * 200, 201),
        ("n" * 201, 400),
    ],
)
def test_names_of_people(operator: Caller, gallery: Gallery, name: str, status: int) -> None:
    response = operator.post(f"{GALLERIES}/{gallery.pk}/identities", {"name": name})
    assert response.status_code == status, response.content
    assert Identity.objects.count() == (status == 201)


def test_names_that_look_the_same_are_the_same(operator: Caller, gallery: Gallery) -> None:
    path = f"{GALLERIES}/{gallery.pk}/identities"
    assert operator.post(path, {"name": "Zo\u00eb"}).status_code == 201
    refused(operator.post(path, {"name": "Zoe\u0308"}), 409, "identity_exists")


def test_an_external_id_is_unique_in_its_gallery(operator: Caller, gallery: Gallery) -> None:
    other = IdentityFactory.create(gallery=gallery, external_id="7")
    path = f"{GALLERIES}/{gallery.pk}/identities"
    refused(operator.post(path, {"name": "A", "external_id": "7"}), 409, "external_id_exists")
    assert Identity.objects.get() == other


def test_an_unexpected_error_is_a_problem_that_tells_nothing(
    operator: Caller, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr("recognition.api.probes.identify", fail)
    path = f"{GALLERIES}/{gallery.pk}/identify"
    response = operator.form(path, image=upload(face_photo(1)))
    refused(response, 500, "internal_error")
    assert b"secret" not in response.content


def test_every_answer_carries_the_callers_request_id(operator: Caller) -> None:
    response = operator.get(GALLERIES, **{"x-request-id": "my-request-1"})
    assert response["X-Request-ID"] == "my-request-1"
    bad = operator.get("/api/v1/nothing", **{"x-request-id": "my request\n2"})
    assert json.loads(bad.content)["request_id"] != "my request\n2"
