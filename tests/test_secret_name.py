import pytest

from deployer.secret_name import location_of


@pytest.mark.parametrize(
    ("name", "location"),
    [
        ("projects/acme/secrets/x", ""),
        ("projects/acme/locations/europe-west1/secrets/x", "europe-west1"),
        ("projects/acme/locations/europe-west1/secrets/x/versions/7", "europe-west1"),
        ("projects/acme/locations/evil.example.com/secrets/x", ""),
        ("file:/projects/acme/locations/europe-west1/secrets/x", ""),
    ],
)
def test_the_location_of_a_secret_says_where_to_ask(name: str, location: str) -> None:
    assert location_of(name) == location
