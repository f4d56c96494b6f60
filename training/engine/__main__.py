"""Train a recipe on an exported dataset, alone or as one of several processes.

    python -m training.engine metric data.npz folder --set epochs=10
    torchrun --nproc-per-node 2 -m training.engine metric data.npz folder

Under `torchrun` every process takes its share of each batch, and the first one writes the files.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from training.engine import configs, processes, recipes
from training.engine.data import check, load
from training.engine.errors import TrainingError
from training.engine.recipes import Result, Work


def main() -> int:
    """Train, print the figures as JSON; return 1 with a reason where that is impossible."""
    parser = argparse.ArgumentParser(prog="python -m training.engine")
    parser.add_argument("recipe", choices=[recipe.name for recipe in recipes.recipes()])
    parser.add_argument("data", type=Path, help="from manage.py train --export")
    parser.add_argument("folder", type=Path, help="for checkpoints; a run there is resumed")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    # The one place of the engine that asks the environment: torchrun says who we are there.
    rank, count = (int(os.environ.get(name, start)) for name, start in _WHO)
    together = processes.join(rank, count)
    try:
        result = _train(options, together)
    except TrainingError as error:
        sys.stderr.write(f"{error.detail} ({error.code})\n")
        return 1
    finally:
        processes.leave(together)
    if together.leads:
        sys.stdout.write(json.dumps({"figures": result.figures}) + "\n")
    return 0


_WHO = (("RANK", "0"), ("WORLD_SIZE", "1"))


def _train(options: argparse.Namespace, together: processes.Processes) -> Result:
    recipe = recipes.get(options.recipe)
    config = configs.parse(recipe.config, dict(text.partition("=")[::2] for text in options.set))
    data = load(options.data)
    check(data)
    work = Work(
        data,
        config,
        options.folder,
        lambda step: None,
        lambda: False,
        resume=True,
        processes=together,
    )
    return recipe.train(work)


if __name__ == "__main__":
    sys.exit(main())
