"""The living page shows every component."""

from pathlib import Path
from typing import Any

import pytest

from faceplatform.accounts.roles import Role
from tests.api.caller import Caller
from tests.factories import OrganizationFactory, make_member

COMPONENTS = Path("templates/components")


@pytest.mark.django_db
def test_every_component_is_on_the_living_page(settings: Any) -> None:
    owner = make_member(OrganizationFactory.create(), Role.OWNER, is_staff=True)
    response = Caller.person(owner).get("/design/")
    assert response.status_code == 200
    shown = {template.name for template in response.templates}
    there = {f"components/{path.name}" for path in (settings.BASE_DIR / COMPONENTS).glob("*.html")}
    assert there
    assert there - shown == set()
