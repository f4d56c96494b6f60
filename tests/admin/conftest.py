"""Two organizations with everything in them, and staff of every role."""

from pathlib import Path

import pytest

from tests.admin.people import Staff
from tests.architecture.world import World, make_world
from tests.fakes import FakePipeline


@pytest.fixture
def world(fake_pipeline: FakePipeline, files: Path) -> World:
    return make_world()


@pytest.fixture
def staff(world: World) -> Staff:
    return Staff(world)
