"""An element as an action names it."""

from actors.specs.agents.page_node import PageNode
from actors.specs.agents.page_view import PageView


def named(view: PageView, node: PageNode) -> dict[str, object]:
    """By role and name, and by its number where several are alike."""
    if node.role == "generic":
        found: dict[str, object] = {"text": node.label, "exact": True}
    elif node.name:
        found = {"role": node.role, "name": node.name, "exact": True}
    else:
        found = {"role": node.role}
    rivals = view.alike(node) if node.name or node.role == "generic" else _of_role(view, node)
    if len(rivals) > 1:
        found["nth"] = next(number for number, each in enumerate(rivals) if each is node)
    return found


def _of_role(view: PageView, node: PageNode) -> list[PageNode]:
    return [each for each in view.nodes if each.role == node.role and not each.is_framed]
