"""How fast the deployer is: ratios, each with its peer in the same run (`make bench`)."""
