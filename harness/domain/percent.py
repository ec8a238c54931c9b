"""Probabilities and shares in words."""


def percent(share: float) -> str:
    """Never 0 % or 100 %: no run proves either."""
    if share < 0.01:
        return "less than 1 %"
    return "more than 99 %" if share > 0.99 else f"{share:.0%}".replace("%", " %")
