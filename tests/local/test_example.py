"""The examples fit the worlds that they are pushed to."""

from pathlib import Path

import pytest

from deployer.configuration import load_configuration
from local.example import BY_NAME, EXAMPLES, SHOP, Example, configure


@pytest.mark.parametrize("example", BY_NAME.values(), ids=BY_NAME)
def test_its_applications_get_the_address_of_this_github(tmp_path: Path, example: Example) -> None:
    (tmp_path / "clusters.yaml").write_text((EXAMPLES / "config/clusters.yaml").read_text())
    configure(tmp_path, "http://127.0.0.1:1234", example)
    configure(tmp_path, "http://127.0.0.1:5678", example)  # what is there stays
    found = load_configuration(tmp_path).applications
    assert tuple(sorted(one.name for one in found)) == tuple(sorted(example.applications))
    assert {one.source.repo_url for one in found} == {f"http://127.0.0.1:1234/{example.repository}.git"}
    assert all((EXAMPLES / example.name / one.source.path).is_dir() for one in found)
    assert "GREETING" in (EXAMPLES / example.name / example.changed).read_text()


def test_the_shop_goes_to_the_first_cluster(tmp_path: Path) -> None:
    configure(tmp_path, "http://127.0.0.1:1234", SHOP, "production")
    (tmp_path / "clusters.yaml").write_text((EXAMPLES / "config/clusters.yaml").read_text())
    assert load_configuration(tmp_path).application("shop").destination.name == "production"
