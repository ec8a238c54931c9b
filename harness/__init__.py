"""The kernel and the SDK: no Ray, no web framework, no driver at import."""
