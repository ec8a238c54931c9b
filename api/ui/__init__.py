"""Server-rendered pages that only look: no framework, no script but our own few lines."""
