"""What `deployer doctor` looks at, one neighbour a file; `run.py` puts it together. Nothing is written anywhere."""
