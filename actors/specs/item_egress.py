"""Leads the pages of one spec test out through a proxy that knows the spec's `allow`."""

from collections.abc import Mapping

from actors.specs.allow_list import AllowList
from actors.specs.egress import open_egress
from actors.specs.failure import StepFailed
from actors.specs.item import SpecFunction
from actors.specs.item_run import base_url_of, suite_names, written_base_url
from actors.specs.lookup import UnknownLookup
from actors.specs.redaction import Redactor
from harness.settings import caller_environ


def lead_out(item: SpecFunction) -> None:
    """Until its teardown, after its fixtures are gone; where everything is allowed, nothing."""
    environ = caller_environ()
    allow = AllowList.of(item.loaded.spec.allow, _base_url(item, environ), environ)
    if not allow.is_open:
        item.egress, end = open_egress(item, allow)
        item.addfinalizer(end)


def _base_url(item: SpecFunction, environ: Mapping[str, str]) -> str:
    """Where the system under test is; empty where the test itself will fail for want of it."""
    spec = item.loaded.spec
    try:
        own = written_base_url(spec, suite_names(spec, environ, Redactor()))
    except (StepFailed, UnknownLookup):
        own = None
    return base_url_of(item.config, environ, own)
