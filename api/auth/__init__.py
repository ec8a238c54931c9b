"""Who is asking: API keys for programs, sessions for browsers; no web framework here."""
