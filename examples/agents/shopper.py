"""An agent as anybody might write it: a loop around a model that calls tools.

Needs nothing but Python. It finds its model, and its way out, by the variables that the SDKs read.
"""

import json
import os
import sys
import urllib.request

SHOP, TASK = sys.argv[1:3]
MODEL = os.environ.get("MODEL", "scripted/shopper")
TOOLS = [
    {"type": "function", "function": {"name": name, "description": told, "parameters": given}}
    for name, told, given in (
        ("shelf", "Goods and their prices.", {"type": "object"}),
        (
            "order",
            "Order one item.",
            {"type": "object", "properties": {"item": {"type": "string"}}, "required": ["item"]},
        ),
    )
]


def main() -> None:
    """Until the model calls no tool any more."""
    messages: list[dict[str, object]] = [{"role": "user", "content": TASK}]
    while True:
        message = ask(messages)
        messages.append(message)
        if not message.get("tool_calls"):
            print(message["content"])
            return
        for call in message["tool_calls"]:
            given = json.loads(call["function"]["arguments"])
            said = use(call["function"]["name"], given)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": said})


def ask(messages: list[dict[str, object]]) -> dict:
    """The model's next message."""
    body = json.dumps({"model": MODEL, "messages": messages, "tools": TOOLS}).encode()
    where = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(where, body, headers)) as answer:
        return json.load(answer)["choices"][0]["message"]


def use(tool: str, given: dict[str, object]) -> str:
    """What a tool says."""
    body = json.dumps(given).encode() if tool == "order" else None
    path = "/orders" if tool == "order" else "/shelf"
    with urllib.request.urlopen(urllib.request.Request(SHOP + path, body), timeout=10) as answer:
        return answer.read().decode()


if __name__ == "__main__":
    main()
