"""A measured gallery, and people who look at it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from faceplatform.accounts.roles import Role
from faceplatform.core.actors import SYSTEM
from faceplatform.core.models import Job, JobState
from recognition.models import Gallery
from tests.factories import make_member
from tests.training.people import QuietContext, make_gallery
from training.models import Evaluation
from training.services.evaluations import Source, start_evaluation
from training.services.runs import run_evaluation

Run = Callable[..., Any]


@pytest.fixture
def gallery(db: None) -> Gallery:
    return make_gallery(people=60, images=3)


@pytest.fixture
def run() -> Run:
    """Return a function that evaluates to the end."""

    def evaluate(gallery: Gallery | None = None, **more: Any) -> Any:
        options: dict[str, Any] = {"protocol": "all_pairs", "actor": SYSTEM, "ring": False}
        source = Source(gallery, more.pop("dataset", None), more.pop("part", ""))
        made = start_evaluation(source=source, **(options | more))
        run_evaluation(QuietContext(made))
        assert made.job_id is not None
        Job.objects.filter(pk=made.job_id).update(state=JobState.SUCCEEDED)
        return Evaluation.objects.select_related("gallery", "dataset", "job").get(pk=made.pk)

    return evaluate


@pytest.fixture
def operator(gallery: Gallery) -> Client:
    client = Client()
    client.force_login(make_member(gallery.organization, Role.OPERATOR))
    return client
