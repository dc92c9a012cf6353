"""Tests of the local Slack. They import the package beside them and third-party libraries only."""

from pathlib import Path

PACKAGE = __name__.removesuffix(".tests")  # the name under which the package stands here
FOLDER = Path(__file__).parents[1]
ROOT = FOLDER.parents[PACKAGE.count(".")]  # `python -m` finds the package from this folder
