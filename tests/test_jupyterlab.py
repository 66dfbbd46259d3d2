"""The analyst's way: open JupyterLab, run the trend notebook from the menu, see its chart."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from report_site import house

pytestmark = [pytest.mark.browser, pytest.mark.notebook, pytest.mark.slow]
ROOT = Path(__file__).parent.parent
CHROMIUM = Path("/usr/bin/chromium")


def free_port():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


@pytest.fixture(scope="module")
def store():
    """A small simulated London, built as an analyst would; or the store of SNA_TEST_STORE."""
    named = os.environ.get("SNA_TEST_STORE")
    return Path(named) if named else house("simulated") / "data" / "processed"


@pytest.fixture(scope="module")
def lab(store, tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("lab"), free_port()
    shutil.copy(ROOT / "notebooks" / "02_trend.ipynb", folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SNA_PROCESSED": str(store),
                   "PYTHONWARNINGS": "", "JUPYTER_CONFIG_DIR": str(folder / "config"),
                   "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
                   "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root",
         "--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}",
         "--LabApp.news_url=None", "--LabApp.check_for_updates_class="
         "jupyterlab.NeverCheckForUpdate"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_the_trend_notebook_runs_from_the_menu_and_shows_its_chart(lab):
    if not CHROMIUM.exists():
        pytest.skip("needs /usr/bin/chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{lab}/lab/tree/02_trend.ipynb")
        page.locator(".jp-Notebook").first.wait_for(timeout=60_000)
        choose = page.get_by_role("button", name="Select Kernel", exact=True)
        idle = page.get_by_text("Python 3 (ipykernel) | Idle")
        choose.or_(idle).first.wait_for(timeout=60_000)
        if choose.count():  # asked only when the notebook's kernel has not started yet
            choose.click()
            idle.wait_for(timeout=60_000)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        chart = page.locator("figure svg[role=img]").first
        chart.wait_for(state="attached", timeout=90_000)
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        assert box["width"] > 300 and box["height"] > 150
        assert page.locator("figure figcaption").first.text_content().strip()
        assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']"
                            ).count() == 0  # fmt: skip
        if folder := os.environ.get("SNA_TEST_PICTURES"):
            page.screenshot(path=f"{folder}/lab.png")
        browser.close()
