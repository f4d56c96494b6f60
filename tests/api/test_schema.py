import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from drf_spectacular.validation import validate_schema

from faceplatform.accounts.routes import routes
from faceplatform.api.docs import openapi
from tests.api.caller import Caller

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return openapi()


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_committed_schema_is_the_codes(schema: dict[str, Any]) -> None:
    validate_schema(schema)
    committed = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    assert committed == yaml.safe_load(yaml.safe_dump(schema)), "run `make schema`"


def test_every_address_of_the_api_is_in_it(schema: dict[str, Any]) -> None:
    described = {(path, method.upper()) for path, method, _ in operations(schema)}
    answered = {
        (
            re.sub(r"<(?:uuid|int|str):(\w+)>", r"{\1}", route.pattern),
            method,
        )
        for route in routes()
        if route.pattern.startswith("/api/v1/")
        for method in route.methods
    }
    assert described == answered


def test_every_address_is_in_the_documentation(schema: dict[str, Any]) -> None:
    text = (COMMITTED.parent / "api.md").read_text(encoding="utf-8")
    rows = {
        line.split("|")[1].strip(" `"): {m.strip() for m in line.split("|")[2].split(",")}
        for line in text.splitlines()
        if line.startswith("| `/api/v1/")
    }
    assert rows == {
        path: {method.upper() for method in methods} for path, methods in schema["paths"].items()
    }


def test_errors_are_problems_everywhere(schema: dict[str, Any]) -> None:
    for path, method, operation in operations(schema):
        answers = operation["responses"]
        assert {"400", "401", "403", "503"} <= set(answers), (path, method)
        assert ("404" in answers) == ("{" in path)
        for status, answer in answers.items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"]
                reference = answer["content"]["application/problem+json"]["schema"]["$ref"]
                assert reference == "#/components/schemas/Problem"


def test_each_way_to_authenticate_is_enough(schema: dict[str, Any]) -> None:
    for path, _, operation in operations(schema):
        assert operation["security"] == [{"bearer": []}, {"apiKey": []}, {"session": []}], path


def test_uploads_are_forms_with_files(schema: dict[str, Any]) -> None:
    forms = {
        path: operation["requestBody"]["content"]
        for path, _, operation in operations(schema)
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    }
    names = {
        "batches", "identify", "images", "imports", "live", "look-alikes", "photos", "verify",
        "videos",
    }  # fmt: skip
    assert {path.rpartition("/")[2] for path in forms} == names
    for content in forms.values():
        name = content["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
        assert "binary" in str(schema["components"]["schemas"][name])


def test_the_schema_is_sent_as_yaml_or_json(client: Any, db: None) -> None:
    caller = Caller()
    as_yaml = caller.get("/api/schema")
    assert as_yaml.status_code == 200
    as_json = caller.get("/api/schema", accept="application/vnd.oai.openapi+json")
    assert yaml.safe_load(as_yaml.content) == as_json.json()
