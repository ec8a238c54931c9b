"""The one door of a sandbox: every way out of it is decided, metered and reported here."""
