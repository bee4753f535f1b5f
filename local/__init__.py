"""The world on one machine: what the deployer meets, for `make run` and for the tests."""
