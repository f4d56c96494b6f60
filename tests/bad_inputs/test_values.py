"""Numbers, labels, parameters, JSON bodies and repeated requests: rows 49 to 55."""

import json
from typing import Any

import pytest

from recognition.models import Gallery, Identity, ImportRun
from recognition.services.imports import items_csv
from tests.bad_inputs.archives import good, packed
from tests.bad_inputs.conftest import World
from tests.bad_inputs.results import Results
from tests.bad_inputs.test_api import answer_of
from tests.bad_inputs.test_pages import code_of_form
from tests.bad_inputs.values import (
    BODIES,
    EMBEDDINGS,
    FORMULAS,
    LABELS,
    NO_LABELS,
    NUMBERS,
    PARAMETERS,
    TEXTS,
    Value,
)
from tests.factories import IdentityFactory

GALLERIES = "/api/v1/galleries"
ONCE = {"idempotency-key": "once"}


def people(world: World) -> str:
    return f"{GALLERIES}/{world.gallery.pk}/identities"


def noted(results: Results, value: Value, response: Any) -> None:
    """Check the API's answer."""
    answered = answer_of(response)
    results.check(value.row, value.name, "api", expected=value.code, answered=answered)


@pytest.mark.parametrize("value", NUMBERS, ids=str)
def test_number(value: Value, world: World, results: Results) -> None:
    body = b'{"name": "Other", "probe_days": ' + value.sent + b"}"
    noted(results, value, world.operator.raw(GALLERIES, body))
    if value.page:
        text = value.sent.decode().strip('"')
        page = world.operator.form("/galleries/new/", name="Other", probe_days=text)
        answered = page.status_code
        results.check(value.row, value.name, "page", expected=value.page, answered=answered)
    assert Gallery.objects.count() == 1


@pytest.mark.parametrize("value", EMBEDDINGS, ids=str)
def test_embedding(value: Value, world: World, results: Results) -> None:
    body = b'{"name": "Ann", "embedding": ' + value.sent + b"}"
    noted(results, value, world.operator.raw(people(world), body))
    assert Identity.objects.count() == 1


@pytest.mark.parametrize("value", PARAMETERS, ids=str)
def test_parameter(value: Value, world: World, results: Results) -> None:
    query = value.sent.decode()
    noted(results, value, world.operator.get(f"{GALLERIES}?{query}"))
    page = world.operator.get(f"/galleries/{world.gallery.pk}/?{query}")
    results.check(51, value.name, "page", expected=value.page, answered=page.status_code)


@pytest.mark.parametrize("value", BODIES + TEXTS, ids=str)
def test_body(value: Value, world: World, results: Results) -> None:
    noted(results, value, world.operator.raw(people(world), value.sent))
    assert Identity.objects.count() == 1


def test_compressed_body(world: World, results: Results) -> None:
    headers = {"content-encoding": "gzip"}
    response = world.operator.raw(GALLERIES, b"{}", **headers)
    answered = answer_of(response)
    expected = "415 unsupported_encoding"
    results.check(52, "JSON in gzip", "api", expected=expected, answered=answered)


def test_nul_outside_of_bodies(world: World, results: Results) -> None:
    caller, search = world.operator, f"{people(world)}?search=%00"
    answers = {
        "NUL in a query": (answer_of(caller.get(search)), "400 null_characters_not_allowed"),
        "NUL in a path": (answer_of(caller.get(f"{GALLERIES}/%00")), "404 not_found"),
        "NUL in a header": (
            answer_of(caller.client.post(
                GALLERIES, {"name": "a"}, content_type="application/json",
                headers={"idempotency-key": "a\0b"},
            )),
            "400 idempotency_key_invalid",
        ),
    }  # fmt: skip
    for name, (answered, expected) in answers.items():
        results.check(53, name, "api", expected=expected, answered=answered)
    page = caller.get(f"/galleries/{world.gallery.pk}/?q=%00")
    results.check(53, "NUL in a query", "page", expected=400, answered=page.status_code)
    page = caller.form("/galleries/new/", name="a\0b", probe_days="1")
    results.check(53, "NUL in a form", "page", expected=422, answered=page.status_code)
    assert Gallery.objects.count() == 1


@pytest.mark.parametrize("label", LABELS)
def test_label(label: str, world: World, results: Results) -> None:
    response = world.operator.post(people(world), {"name": label})
    answered = f"{response.status_code}, stored as {response.json().get('name')}"
    expected = f"201, stored as {label}"
    results.check(54, f"label {label}", "api", expected=expected, answered=answered)
    Identity.objects.filter(name=label).delete()
    page = world.operator.form(f"/galleries/{world.gallery.pk}/identities/new/", name=label)
    results.check(54, f"label {label}", "page", expected=302, answered=page.status_code)
    assert Identity.objects.filter(name=label).count() == 1


@pytest.mark.parametrize("name", NO_LABELS)
def test_no_label(name: str, world: World, results: Results) -> None:
    label, code, _ = NO_LABELS[name]
    response = world.operator.post(people(world), {"name": label})
    results.check(54, name, "api", expected=f"400 {code}", answered=answer_of(response))
    new = f"/galleries/{world.gallery.pk}/identities/new/"
    page = world.operator.form(new, name=label)
    results.check(54, name, "page", expected=422, answered=page.status_code)
    assert Identity.objects.count() == 1


def test_labels_that_look_the_same(world: World, results: Results) -> None:
    IdentityFactory.create(gallery=world.gallery, name="Zo\u00eb")
    response = world.operator.post(people(world), {"name": "Zoe\u0308"})
    name = "label in two forms of Unicode"
    expected = "409 identity_exists"
    results.check(54, name, "api", expected=expected, answered=answer_of(response))
    new = f"/galleries/{world.gallery.pk}/identities/new/"
    page = world.operator.form(new, name="Zoe\u0308")
    answered = f"{page.status_code} {code_of_form(page)}"
    results.check(54, name, "page", expected="422 identity_exists", answered=answered)


@pytest.mark.django_db(transaction=True)
def test_labels_in_a_zip(world: World, results: Results) -> None:
    folders = [*LABELS, *(label for label, _, _ in NO_LABELS.values())]
    world.import_zip(packed(*((f"{name}/1.jpg", good(n)) for n, name in enumerate(folders))))
    found = world.run_import()
    for label in LABELS:
        name = f"label {label}"
        answered = " ".join(found[f"{label}/1.jpg"]).strip()
        results.check(54, name, "zip", expected="enrolled", answered=answered)
    for name, (label, _, code) in NO_LABELS.items():
        answered = " ".join(found[f"{label}/1.jpg"])
        results.check(54, name, "zip", expected=f"failed {code}", answered=answered)
    lines = "".join(items_csv(ImportRun.objects.get())).splitlines()
    cells = [cell for label in FORMULAS for cell in (f"'{label}/1.jpg", f"'{label}")]
    harmless = sum(line.split(",")[:2] == cells[n : n + 2] for line in lines
                   for n in range(0, len(cells), 2))  # fmt: skip
    name = "formulas in a CSV file"
    answered = f"{harmless} of {len(FORMULAS)} harmless"
    results.check(54, name, "zip", expected="4 of 4 harmless", answered=answered)


def test_idempotency_key(world: World, results: Results) -> None:
    def post(name: str) -> Any:
        body = json.dumps({"name": name})
        kind = "application/json"
        return world.operator.client.post(people(world), body, content_type=kind, headers=ONCE)

    first, again, other = post("Ann"), post("Ann"), post("Bob")
    same = first.json()["id"] == again.json()["id"]
    answered = f"{again.status_code}, {'the same row' if same else 'another row'}"
    name = "key of a request, used again"
    results.check(55, name, "api", expected="201, the same row", answered=answered)
    name = "key of a request, used for another"
    answered = answer_of(other)
    results.check(55, name, "api", expected="409 idempotency_conflict", answered=answered)
    assert Identity.objects.count() == 2
