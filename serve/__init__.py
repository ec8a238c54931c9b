"""Ray Serve deployments; `wiring` is the only place where adapters are chosen."""
