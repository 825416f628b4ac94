"""The trace page with 3,500 dialogues of 19 turns in headless Chromium, beside `inspect view` on the exported log.

    python -m cocoon.benchmarks.viewer.trace_page --inspect /path/to/venv/bin/inspect [--dialogues 3500] [--repeats 3]

inspect-ai is asked for as a program of its own environment; without --inspect only our page is measured. The run is
made once and kept with --place. Wall times of one machine mean little; the two are opened in turn, and the seconds that
the page's main thread worked stand beside.
"""

import argparse
import asyncio
import json
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from cocoon.benchmarks.orchestration.processes import save, table
from cocoon.benchmarks.viewer.trace_run import make_run
from cocoon.tests.browser import chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession

Figures = dict[str, float]
OPENED = 8
# Turns the wheel for two seconds and notes when frames are drawn.
SCROLL = """async (selector) => {
  let box = document.querySelector(selector);
  const rolls = (one) => one.scrollHeight > one.clientHeight + 10 && getComputedStyle(one).overflowY !== 'visible';
  while (!rolls(box)) box = box.parentElement;
  const times = [], until = performance.now() + 2000;
  await new Promise((done) => {
    const frame = (now) => {
      times.push(now);
      box.scrollTop += 240;
      if (now < until) requestAnimationFrame(frame); else done();
    };
    requestAnimationFrame(frame);
  });
  const gaps = times.slice(1).map((one, place) => one - times[place]);
  return {longest: Math.max(...gaps), slow: gaps.filter((gap) => gap > 50).length, frames: gaps.length};
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
FILTER = """async (word) => {
  const box = document.querySelector('#search'), began = performance.now();
  box.value = word; box.dispatchEvent(new Event('input', {bubbles: true}));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - began;
}"""


async def worked(session: "CDPSession") -> float:
    """Seconds of work of the page's main thread so far."""
    told = await session.send("Performance.getMetrics")
    return next(one["value"] for one in told["metrics"] if one["name"] == "TaskDuration")


async def visit(browser: "Browser", url: str, rows: str, back: bool) -> Figures:
    """Open a page with the list of dialogues, then dialogues by click; `back`: the list is another page then."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Performance.enable")
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(_size(request.url)))
    began = time.perf_counter()
    await page.goto(url)
    await page.wait_for_selector(rows, timeout=300_000)
    found: Figures = {"list_s": time.perf_counter() - began, "list_cpu_s": await worked(session)}
    found["paint_s"] = (await page.evaluate(PAINT) or 0) / 1000
    opening, cpu = list[float](), list[float]()
    for number in range(1, OPENED + 1):
        before, start = await worked(session), time.perf_counter()
        await page.click(f"{rows} >> nth={number}")
        await page.wait_for_selector(f"text=/^\\({number}\\) /", timeout=300_000)
        opening.append(time.perf_counter() - start)
        cpu.append(await worked(session) - before)
        if back:
            await page.go_back()
            await page.wait_for_selector(rows)
    scrolled = await page.evaluate(SCROLL, rows)
    found |= {"open_s": median(opening), "open_cpu_s": median(cpu), "frame_ms": scrolled["longest"]}
    found |= {"slow_frames": scrolled["slow"], "frames": scrolled["frames"], "disk_kb": sum(sizes) / 1000}
    if not back:
        found["filter_ms"] = await page.evaluate(FILTER, "anxious 17")
    await context.close()
    return found


def _size(url: str) -> int:
    return Path(url.removeprefix("file://").partition("#")[0]).stat().st_size if url.startswith("file://") else 0


def spent(command: list[str]) -> Figures:
    """CPU and wall seconds of a command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": time.perf_counter() - began}


def folder_size(folder: Path) -> Figures:
    """Files and megabytes below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {"files": len(files), "mb": sum(path.stat().st_size for path in files) / 1e6}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def answered(url: str, process: subprocess.Popen[Any]) -> float:
    """Seconds until a server answers."""
    began = time.perf_counter()
    while True:
        if process.poll() is not None:
            raise SystemExit(f"the server of {url} ended")
        try:
            urlopen(url, timeout=60).close()
        except OSError:
            time.sleep(0.02)
            continue
        return time.perf_counter() - began


async def live(browser: "Browser", run: Path, dialogues: int) -> Figures:
    """Our server: until the page is painted, until its list is there, and until every dialogue is in it."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "cocoon.cli.main", "view", str(run)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answered(f"{url}view.html", process)
        found: Figures = {"start_s": time.perf_counter() - began}
        page = await (await browser.new_context(bypass_csp=True)).new_page()
        began = time.perf_counter()
        await page.goto(url)
        await page.wait_for_selector(".turn", timeout=300_000)
        found["first_s"] = time.perf_counter() - began
        await page.wait_for_selector(f"#counts:has-text('{dialogues} of {dialogues}')", timeout=600_000)
        found["all_s"] = time.perf_counter() - began
        await page.context.close()
        return found
    finally:
        process.terminate()
        process.wait()


async def measure(run: Path, place: Path, dialogues: int, inspect: str | None, repeats: int) -> dict[str, Any]:
    """Both pages in turn."""
    ours = (place / "page" / "view.html").as_uri()
    visits: dict[str, list[Figures]] = {"cocoon": [], "inspect": []}
    server: subprocess.Popen[bytes] | None = None
    told: dict[str, Any] = {"visits": visits}
    async with chromium() as browser:
        told["live"] = await live(browser, run, dialogues)
        peer: Callable[[], Awaitable[Figures]] | None = None
        if inspect:
            port = free_port()
            logs = str(place / "logs")
            command = [inspect, "view", "start", "--log-dir", logs, "--host", "127.0.0.1", "--port", str(port)]
            server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            told["inspect_start_s"] = answered(f"http://127.0.0.1:{port}/", server)
            url = f"http://127.0.0.1:{port}/#/logs/run.eval"
            peer = lambda: visit(browser, url, "a[role=row][href*='/samples/sample/']", back=True)  # noqa: E731
        try:
            for _ in range(repeats):
                visits["cocoon"].append(await visit(browser, ours, ".row", back=False))
                if peer:
                    visits["inspect"].append(await peer())
        finally:
            if server:
                server.terminate()
                server.wait()
    return told


def _middle(visits: list[Figures], name: str) -> str:
    return f"{median(one[name] for one in visits):.3f}" if visits and name in visits[0] else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialogues", type=int, default=3500)
    parser.add_argument("--inspect", help="the `inspect` program of an environment with inspect-ai")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--place", type=Path, help="keep run, page and log here, and take what is there")
    chosen = parser.parse_args()
    place = chosen.place or Path(tempfile.mkdtemp(prefix="cocoon-trace-"))
    run = make_run(place / "run", chosen.dialogues)
    cocoon = [sys.executable, "-m", "cocoon.cli.main"]
    shutil.rmtree(place / "page", ignore_errors=True)
    told: dict[str, Any] = {"run": folder_size(run)}
    told["page"] = spent([*cocoon, "view", str(run), "--export", str(place / "page")]) | folder_size(place / "page")
    if chosen.inspect:
        (place / "logs").mkdir(exist_ok=True)
        log = [*cocoon, "export", str(run), "--to", "inspect", "-o", str(place / "logs" / "run.eval"), "--force"]
        told["log"] = spent(log) | folder_size(place / "logs")
    told |= asyncio.run(measure(run, place, chosen.dialogues, chosen.inspect, chosen.repeats))
    save("trace_page", told)
    print(json.dumps({key: value for key, value in told.items() if key != "visits"}, indent=1))
    rows = [[name, *(_middle(some, name) for some in told["visits"].values())] for name in told["visits"]["cocoon"][0]]
    print(table(["", *told["visits"]], rows))
    if not chosen.place:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
