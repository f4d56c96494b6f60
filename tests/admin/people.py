"""Who asks the admin, and every address that they can ask."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import reverse

from faceplatform.accounts.models import User
from faceplatform.accounts.roles import Role
from faceplatform.accounts.routes import Route, routes
from faceplatform.admin.urls import SHOWN
from recognition.models import FaceTemplate
from tests.architecture.world import Team, World
from tests.factories import UserFactory

OUTSIDERS = ("superuser", "staff of nowhere")


@dataclass
class Staff:
    """Clients of people who may enter the admin."""

    world: World

    def of(self, team: Team, role: Role = Role.OWNER) -> Client:
        """Return the client of the team's person of this role, made staff."""
        user = team.people[role]
        User.objects.filter(pk=user.pk).update(is_staff=True)
        return client_of(user)

    def outside(self, who: str) -> Client:
        """Return a superuser or a staff member who belongs to no organization."""
        if who == "superuser":
            return self.world.callers["superuser"].client
        return client_of(UserFactory.create(is_staff=True))


def client_of(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def admin_routes() -> list[Route]:
    return [route for route in routes() if route.name.startswith("admin:")]


def model_of(route: Route) -> type[Model]:
    """Return the model that an address is about."""
    return next(
        model
        for model in SHOWN
        if route.name.startswith(f"admin:{model._meta.app_label}_{model._meta.model_name}_")
    )


def addresses(team: Team) -> Iterator[tuple[Route, str]]:
    """Yield every address of the admin, its id one of the team's."""
    for route in admin_routes():
        if "object_id" in route.pattern:
            yield route, reverse(route.name, args=[team.row_of(model_of(route)).pk])
        elif "app_label" in route.pattern:
            yield route, reverse(route.name, args=["recognition"])
        else:
            yield route, reverse(route.name)


def embedding_text(team: Team) -> str:
    """Return the first numbers of the team's template as they would be written."""
    template = FaceTemplate.objects.get(face=team.face)
    return str(template.embedding[0])


def told(response: Any, team: Team) -> list[str]:
    """Return which of the team's secrets an answer contains."""
    body = response.content.decode()
    people = {user.name for user in team.people.values()}
    secrets = team.secrets() | people | {embedding_text(team)}
    return sorted(secret for secret in secrets if secret and secret in body)
