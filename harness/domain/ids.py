"""Identifiers: opaque strings that never mix, because each has a type of its own."""

from typing import NewType

TenantId = NewType("TenantId", str)
ProjectId = NewType("ProjectId", str)
RunId = NewType("RunId", str)
AttemptId = NewType("AttemptId", str)
LeaseId = NewType("LeaseId", str)
EventId = NewType("EventId", str)
ClusterId = NewType("ClusterId", str)
HostId = NewType("HostId", str)

Digest = NewType("Digest", str)
"""SHA-256 of some bytes, as 64 lower-case hexadecimal digits."""

TestId = NewType("TestId", str)
"""Stable identity of a TestCase within its project: its pytest node id or a spec's `id`."""
