"""How jobs travel from a delivery to a sync."""
