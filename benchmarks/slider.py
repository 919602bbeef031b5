"""From a move of a slider to its last paint, in Chromium: `penlight explore` with an image of 20 channels of 64x128.

    python -m benchmarks.slider

Needs the requirements of the extra [browser], and Chromium.
"""

import shutil
import statistics
import threading

CODE = """
conv = nn.Conv2d(20, 16, (3, 5), padding=(1, 2))
viz.conv(conv, torch.randn(1, 20, 64, 128))
"""
SLIDERS = [
    "kernel, rows",
    "stride, rows",
    "dilation, columns",
    "padding cells, rows",
    "groups",
    "output channel",
]
# Moves a slider there and back. What a move changes on the page, and the frame after it, is waited for.
MOVES = """async ([label, moves]) => {
  const roots = [document];
  for (let i = 0; i < roots.length; i++)
    for (const host of roots[i].querySelectorAll("*")) if (host.shadowRoot) roots.push(host.shadowRoot);
  const named = (input) => (input.getAttribute("aria-label") ?? input.labels?.[0]?.textContent ?? "").trim();
  const sliders = roots.flatMap((root) => [...root.querySelectorAll("input[type=range]")]);
  const input = sliders.find((slider) => named(slider).startsWith(label));
  const times = [];
  for (let i = 0; i < moves; i++) {
    await new Promise((done) => setTimeout(done, 200));
    const start = performance.now();
    let last = null;
    const painted = () => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => (last = performance.now() - start);
      channel.port2.postMessage(0);
    };
    const observer = new MutationObserver(() => requestAnimationFrame(painted));
    for (const root of roots)
      observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
    input.value = Number(input.min) + (i % 2 ? 0 : Number(input.step || 1));
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((done) => setTimeout(done, 400));
    observer.disconnect();
    if (last !== null) times.push(last);
  }
  return times;
}"""


def measure(moves=16):
    """Milliseconds a move takes, for each slider."""
    from playwright.sync_api import sync_playwright

    from penlight.explore.server import Explorer

    server = Explorer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(server.address)
        page.get_by_role("status").filter(has_text="picture").wait_for()
        page.get_by_label("Python code").fill(CODE)
        page.keyboard.press("Control+Enter")
        page.get_by_role("heading", name="Conv2d").wait_for()
        times = {label: page.evaluate(MOVES, [label, moves]) for label in SLIDERS}
        browser.close()
    server.shutdown()
    server.server_close()
    return times


if __name__ == "__main__":
    for label, times in measure().items():
        print(f"{label:20} median {statistics.median(times):5.1f} ms, most {max(times):5.1f} ms")
