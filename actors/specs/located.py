"""Where an element is, in Playwright's words; the same for its blocking and its other interface."""

from typing import Any

from actors.specs.target import Target


def located(around: Any, target: Target) -> Any:  # Any: a page or a locator of either interface
    """The locator of a target within a page or another locator, `inside` and `nth` left out."""
    if target.role is not None:
        return around.get_by_role(target.role, name=target.name, exact=target.exact)
    if target.label is not None:
        return around.get_by_label(target.label, exact=target.exact)
    if target.text is not None:
        return around.get_by_text(target.text, exact=target.exact)
    if target.placeholder is not None:
        return around.get_by_placeholder(target.placeholder, exact=target.exact)
    if target.alt is not None:
        return around.get_by_alt_text(target.alt, exact=target.exact)
    if target.title is not None:
        return around.get_by_title(target.title, exact=target.exact)
    if target.test_id is not None:
        return around.get_by_test_id(target.test_id)
    return around.locator(target.css)
