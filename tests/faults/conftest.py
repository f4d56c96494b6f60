"""One platform for all faults of a module; it must be whole again after each."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults import people
from tests.faults.platform import PATIENCE, Platform, until
from tests.faults.trials import Trials


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that serves, with two workers."""
    made = Platform(tmp_path_factory.mktemp("faults").resolve() / "var")
    try:
        made.start()
        until(made.workers_ready, "both workers run", PATIENCE)
        yield made
    finally:
        made.end()


@pytest.fixture(autouse=True)
def no_orders_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "platform" in request.fixturenames:
        request.getfixturevalue("platform").orders.clear()


@pytest.fixture(scope="package")
def archive() -> bytes:
    """A zip of twelve people: three batches of an import."""
    return people.zipped(people.photos(people.IMAGES))


@pytest.fixture(scope="package")
def calm(platform: Platform, archive: bytes) -> str:
    """The hash of what the zip becomes when nothing disturbs its import."""
    imported = people.start_import(platform, archive)
    people.wait_for(platform, imported.job)
    return people.content_hash(platform, imported.gallery)


@pytest.fixture
def trials() -> Iterator[Callable[[str, str, int], Trials]]:
    """Make the trials of a fault; their record is written when the test ends."""
    made: list[Trials] = []

    def make(fault: str, name: str, most: int) -> Trials:
        made.append(Trials(fault, name, most))
        return made[-1]

    yield make
    for one in made:
        one.save()
