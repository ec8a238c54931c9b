"""One suite of 100 browser tests, for pytest and for Playwright's runner for Node."""

import json
import subprocess
from pathlib import Path

TESTS = 100
INSTALL_SECONDS = 300.0
PAGE = """\
<title>Orders</title><h1>Orders</h1>
<form onsubmit="return false"><input name="customer"><select><option>one</option>
<option>two</option></select><button onclick="add()">Add</button></form><ul></ul>
<script>function add() {
  const item = document.createElement('li');
  item.textContent = document.querySelector('input').value + ' '
    + document.querySelector('select').value;
  document.querySelector('ul').append(item);
}</script>"""
PYTEST = f'''\
import pytest
from playwright.sync_api import expect

PAGE = """{PAGE}"""


@pytest.mark.parametrize("n", range({TESTS}))
def test_order(page, n):
    page.set_content(PAGE)
    page.fill("input", f"customer {{n}}")
    page.select_option("select", "two")
    page.click("button")
    expect(page.locator("li")).to_have_text(f"customer {{n}} two")
    assert page.title() == "Orders"
'''
NODE = f"""\
const {{ test, expect }} = require('@playwright/test');
const PAGE = `{PAGE}`;
for (let n = 0; n < {TESTS}; n++) {{
  test(`order ${{n}}`, async ({{ page }}) => {{
    await page.setContent(PAGE);
    await page.fill('input', `customer ${{n}}`);
    await page.selectOption('select', 'two');
    await page.click('button');
    await expect(page.locator('li')).toHaveText(`customer ${{n}} two`);
    expect(await page.title()).toBe('Orders');
  }});
}}
"""
CONFTEST = """\
import pytest


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {{**browser_type_launch_args, "executable_path": {path!r}, "args": ["--no-sandbox"]}}
"""


def write_pytest_suite(folder: Path, browser: str = "") -> Path:
    """The suite for pytest-playwright; launches `browser` when one is given."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_orders.py").write_text(PYTEST)
    if browser:
        (folder / "conftest.py").write_text(CONFTEST.format(path=browser))
    return folder


def write_node_suite(folder: Path, browser: str, minor: str, tracing: str) -> Path:
    """The same for `@playwright/test` of this minor version, which npm installs.

    Raises:
        RuntimeError: npm could not install it; the message has what npm said.
    """
    folder.mkdir(parents=True)
    launch = {"executablePath": browser, "args": ["--no-sandbox"]}
    config = {
        "workers": 2,
        "fullyParallel": True,
        "reporter": [["junit", {"outputFile": "../node.xml"}]],
        "use": {"launchOptions": launch, "trace": tracing},
    }
    (folder / "playwright.config.js").write_text(f"module.exports = {json.dumps(config)};\n")
    (folder / "orders.spec.js").write_text(NODE)
    (folder / "package.json").write_text("{}\n")
    ended = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", f"@playwright/test@~{minor}.0"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"npm could not install @playwright/test.\n{ended.stderr}")
    return folder
