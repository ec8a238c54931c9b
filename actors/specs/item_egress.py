"""Leads the pages of one spec test out through a proxy that knows the spec's `allow`."""

from actors.specs.allow_list import AllowList
from actors.specs.egress import open_egress
from actors.specs.failure import StepFailed
from actors.specs.item import SpecFunction
from actors.specs.item_run import base_url_of, suite_names, written_base_url
from actors.specs.lookup import UnknownLookup
from actors.specs.redaction import Redactor
from harness.settings import caller_environ


def lead_out(item: SpecFunction) -> None:
    """Until its teardown, after its fixtures are gone."""
    item.egress, end = open_egress(item, AllowList(item.loaded.spec.allow, _base_url(item)))
    item.addfinalizer(end)


def _base_url(item: SpecFunction) -> str:
    """Where the system under test is; empty where the test itself will fail for want of it."""
    spec, environ = item.loaded.spec, caller_environ()
    try:
        own = written_base_url(spec, suite_names(spec, environ, Redactor()))
    except (StepFailed, UnknownLookup):
        own = None
    return base_url_of(item.config, environ, own)
