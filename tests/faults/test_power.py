"""Everything is killed at once, as when the power fails."""

import json
import time
from collections.abc import Callable

import pytest

from tests.faults import people
from tests.faults.platform import Platform, until
from tests.faults.trials import Trials

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(3600)]

MakeTrials = Callable[[str, str, int], Trials]


def test_f20_everything_is_killed(
    platform: Platform, archive: bytes, calm: str, trials: MakeTrials
) -> None:
    run = trials("F20", "SIGKILL of every process while photos are enrolled and imported", 10)
    for _ in run:
        until(platform.workers_ready, "both workers run")
        with people.Crowd(platform, people.make_gallery(platform)) as crowd:
            imported = people.start_import(platform, archive)
            until(crowd.served, "photos are enrolled")
            until(crowd.served, "photos are enrolled")
            platform.power_cut()
        begun = time.monotonic()
        platform.start()
        seconds = time.monotonic() - begun
        people.wait_for(platform, imported.job)
        assert people.outcome_of(platform, imported, calm, None).good
        run.passed(crowd.outcome(seconds))


def test_the_doctor_finds_nothing_wrong_after_all_this(platform: Platform) -> None:
    done = platform.manage("doctor", "--json")
    record = json.loads(done.stdout)
    assert record["clean"] is True, record["findings"]
