"""The archive that terraform makes, and what becomes of it, made once for all tests of a worker."""

import shutil
from pathlib import Path

import pytest

from tests.archive.planned import Planned, plan


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """What terraform makes of the module with one cluster and the pubsub queue."""
    if not shutil.which("terraform"):
        pytest.skip("terraform is missing, which says what the archive is made of")
    return plan(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def archive(planned: Planned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive."""
    file = tmp_path_factory.mktemp("archive") / "source.zip"
    planned.write(file)
    return file
