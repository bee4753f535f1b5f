"""One cluster: connection, discovery, objects, health."""
