"""``penlight explore``: a page on this machine where one edits the lesson's examples and sees the engine at work."""

from __future__ import annotations


def main(port: int = 0, browser: bool = True) -> int:
    """Serves the page until it is interrupted, and returns an exit code.

    Args:
        port: where to listen on 127.0.0.1; 0 for any free one.
        browser: whether the page is opened at once.
    """
    import sys
    import webbrowser

    from penlight.explore.server import Explorer

    try:
        explorer = Explorer(port)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"penlight explore: can't listen on 127.0.0.1, port {port}: {reason}", file=sys.stderr)
        return 2
    try:
        print(
            f"penlight explores at {explorer.address}\n"
            "Whoever has this address can run code as you: keep it to yourself. Ctrl+C ends.",
            flush=True,
        )
        if browser:
            webbrowser.open(explorer.address)
        explorer.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        explorer.server_close()
    return 0
