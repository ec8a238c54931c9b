"""The control plane's face: REST, authentication and the server-rendered pages."""
