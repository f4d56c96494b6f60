"""Counting in many processes, adding up in the real Valkey."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from prometheus_client.core import Metric

from faceplatform.core import metrics
from faceplatform.core.metrics import Counter, Histogram

ROOT = Path(__file__).resolve().parent.parent.parent
DEAD = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)


@pytest.fixture(autouse=True)
def own_figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A hash of this test alone, and no instruments but those that it makes."""
    key = f"metrics-test:{uuid.uuid4().hex}"
    monkeypatch.setattr(metrics, "KEY", key)
    monkeypatch.setattr(metrics, "_pending", {})
    monkeypatch.setattr(metrics, "_instruments", {})
    yield key
    for found in metrics.valkey().scan_iter(match=f"{key}*"):
        metrics.valkey().delete(found)


def samples(family: Metric) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in family.samples}


def summed(name: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return samples(next(family for family in metrics.families() if family.name == name))


def test_counts_are_added_up_per_label_value() -> None:
    photos = Counter("photos", "Photos.", ("model",))
    photos.add(3, model="a")
    photos.add(2, model="b")
    assert metrics.report()
    photos.add(4, model="a")
    assert summed("photos") == {
        ("photos_total", (("model", "a"),)): 7,
        ("photos_total", (("model", "b"),)): 2,
    }


def test_processes_are_added_up(own_figures: str) -> None:
    Counter("photos", "Photos.").add(1)
    script = (
        "from faceplatform.core import metrics as m;"
        f"m.KEY = {own_figures!r}; c = m.Counter('photos', 'Photos.'); c.add(41);"
        "assert m.report()"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    assert summed("photos") == {("photos_total", ()): 42}


def test_a_bucket_includes_all_smaller_ones_and_its_own_bound() -> None:
    seconds = Histogram("seconds", "Seconds.", bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 30.0):
        seconds.observe(value)
    found = summed("seconds")
    assert found["seconds_bucket", (("le", "0.1"),)] == 2
    assert found["seconds_bucket", (("le", "1.0"),)] == 3
    assert found["seconds_bucket", (("le", "+Inf"),)] == 4
    assert found["seconds_count", ()] == 4
    assert found["seconds_sum", ()] == pytest.approx(30.65)


def test_a_block_that_raises_is_not_timed() -> None:
    seconds = Histogram("seconds", "Seconds.", bounds=(10.0,))
    with seconds.time():
        pass
    with pytest.raises(ValueError, match="no"), seconds.time():
        raise ValueError("no")
    assert summed("seconds")["seconds_count", ()] == 1


def test_figures_wait_while_valkey_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = Counter("photos", "Photos.")
    photos.add(5)
    with monkeypatch.context() as away:
        away.setattr(metrics, "valkey", lambda: DEAD)
        assert not metrics.report()
        photos.add(1)
        assert not metrics.report()
        with pytest.raises(redis.RedisError):
            list(metrics.families())
    assert summed("photos") == {("photos_total", ()): 6}


def test_what_an_earlier_version_counted_is_left_out(own_figures: str) -> None:
    Counter("photos", "Photos.", ("model",)).add(model="a")
    for field in (["photos", ""], ["photos", "", "a", "b"], ["gone", ""]):
        metrics.valkey().hset(own_figures, json.dumps(field), "9")
    assert summed("photos") == {("photos_total", (("model", "a"),)): 1}


@pytest.mark.parametrize("labels", [{}, {"model": "a", "more": "b"}, {"other": "a"}])
def test_other_labels_than_declared_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises((ValueError, KeyError)):
        Counter("photos", "Photos.", ("model",)).add(1, **labels)


def test_a_name_is_used_once() -> None:
    Counter("photos", "Photos.")
    with pytest.raises(ValueError, match="photos"):
        Histogram("photos", "Photos.", bounds=(1.0,))


def test_a_reporting_process_tells_its_memory_and_its_last_counts(own_figures: str) -> None:
    script = (
        "from faceplatform.core import metrics as m; import time;"
        f"m.KEY = {own_figures!r}; c = m.Counter('photos', 'Photos.');"
        "m.start_reporting('inference'); c.add(7); print(len(m.processes()) or time.sleep(1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stderr == ""
    (one,) = metrics.processes()
    assert one.process == "inference"
    assert 10_000_000 < one.resident < 1_000_000_000
    Counter("photos", "Photos.")
    assert summed("photos") == {("photos_total", ()): 7}
    (key,) = metrics.valkey().scan_iter(match=f"{own_figures}:process:*")
    assert 0 < metrics.valkey().ttl(key) <= 30
