"""Sandboxes over gRPC: `gateway` serves them, `generated` holds what protoc makes of `proto`."""
