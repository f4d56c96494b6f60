"""Starting a web process loads no deep-learning library; neither does answering from OpenVINO."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = (
    "torch",
    "torchvision",
    "facenet_pytorch",
    "cv2",
    "pandas",
    "sklearn",
    "matplotlib",
    "plotly",
    "pyarrow",
    "av",
    "scipy",
)


@pytest.mark.parametrize(
    "start",
    [
        (
            "from faceplatform.wsgi import application; from django.urls import get_resolver;"
            " get_resolver().url_patterns"
        ),
        (
            "import django; django.setup(); from faceplatform.celery import app;"
            " app.loader.import_default_modules()"
        ),
    ],
    ids=["web", "worker"],
)
def test_a_process_starts_without_heavy_libraries(start: str) -> None:
    script = (
        "import json, os, sys;"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'faceplatform.settings';"
        f"{start};"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
