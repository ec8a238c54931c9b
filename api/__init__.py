"""The gateway: REST, its authentication, and the pages."""
