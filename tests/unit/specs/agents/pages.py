"""Views of pages, without a browser."""

from actors.specs.agents.page_node import read_nodes
from actors.specs.agents.page_view import PageView
from actors.specs.agents.planner import Proposal, Situation, Turn

SHELF = """\
- navigation [ref=e2]:
  - link "Log in" [ref=e3]
- main [ref=e4]:
  - heading "Goods" [level=1] [ref=e5]
  - list [ref=e6]:
    - listitem [ref=e7]:
      - heading "Red shirt" [level=3] [ref=e8]
      - button "Add to cart" [ref=e9]
    - listitem [ref=e10]:
      - heading "Blue shirt" [level=3] [ref=e11]
      - button "Add to cart" [ref=e12]
  - form "Order" [ref=e20]:
    - textbox "Email" [ref=e21]
    - textbox "Password" [ref=e22]
    - combobox "Size" [ref=e23]:
      - option "S"
      - option "Large" [selected]
    - checkbox "Gift wrap" [ref=e24]
    - button "Log in" [ref=e25]
    - button "Checkout" [disabled] [ref=e26]
  - generic [ref=e27] [cursor=pointer]: Show more
"""


def a_view(snapshot: str = SHELF) -> PageView:
    nodes, is_whole = read_nodes(snapshot)
    return PageView("http://shop/", "Shop", nodes, is_whole)


def a_situation(
    goal: str, view: PageView | None = None, turns: tuple[Turn, ...] = (), *inputs: str
) -> Situation:
    return Situation(goal, inputs, ("the cart is empty",), view or a_view(), turns)


def done(proposal: Proposal) -> Turn:
    return Turn(proposal)
