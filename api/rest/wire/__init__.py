"""What goes over HTTP, as pydantic models, with explicit conversions from and to the domain."""
