"""The server of ``penlight explore`` answers its own page alone."""

import functools
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from penlight.explore import main
from penlight.explore.server import MOST_BODY, Explorer


@pytest.fixture(scope="module")
def explorer():
    server = Explorer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def ask(explorer, question='{"do": "run", "code": "6 * 7"}', path="/ask", method="POST", **changed):
    """A question as the page asks it, but for the changed headers; None leaves one out."""
    own = f"127.0.0.1:{explorer.server_port}"
    headers = {"Host": own, "Origin": f"http://{own}", "X-Penlight-Token": explorer.token}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    connection = http.client.HTTPConnection("127.0.0.1", explorer.server_port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    body = question.encode()
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body if method == "POST" else None)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply, text


def test_its_own_page_is_answered(explorer):
    reply, text = ask(explorer)
    assert reply.status == 200 and json.loads(text)["answer"]["output"] == "42\n"
    reply, text = ask(explorer, Host=f"localhost:{explorer.server_port}")
    assert reply.status == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"X_Penlight_Token": None}, 403),
        ({"X_Penlight_Token": "wrong"}, 403),
        ({"X_Penlight_Token": "ü"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://example.org"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Host": "example.org"}, 421),
        ({"Host": None}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"path": "/other"}, 404),
        ({"Content_Length": None}, 411),
        ({"Content_Length": "-1"}, 411),
        ({"Content_Length": str(MOST_BODY + 1)}, 413),
        ({"question": "nonsense"}, 400),
        ({"question": "[" * 100_000}, 400),
        ({"question": "[1]"}, 400),
        ({"question": '{"do": "anything"}'}, 400),
        ({"method": "PUT"}, 501),
        ({"method": "GET", "path": "/ask"}, 404),
        ({"method": "GET", "path": "/"}, 403),
        ({"method": "GET", "path": "/?token=wrong"}, 403),
    ],
)
def test_others_are_refused(explorer, changed, status):
    explorer.workspace._given.clear()
    reply, text = ask(explorer, **changed)
    assert reply.status == status and explorer.token not in text


def test_a_question_that_fails_is_answered_with_its_error(explorer):
    for question, words in (
        ('{"do": "run"}', "code"), ('{"do": "run", "code": 3}', "code must be text"),
        ('{"do": "ask", "picture": 99, "request": {}}', "no picture 99"),
        ('{"do": "open", "name": "a", "content": "?"}', "Error"),
    ):  # fmt: skip
        reply, text = ask(explorer, question)
        assert reply.status == 200 and words in json.loads(text)["error"]


def test_the_page_forbids_framing_caching_and_telling_its_address(explorer):
    reply, text = ask(
        explorer, method="GET", path=f"/?token={explorer.token}", Origin=None, X_Penlight_Token=None
    )
    assert reply.status == 200 and explorer.token not in text
    assert reply.headers["X-Frame-Options"] == "DENY" and reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    assert (
        "default-src 'none'" in text
        and "connect-src 'self'" in text
        and "unsafe" not in text.partition("<style>")[0]
    )


def test_it_listens_on_the_loopback_alone(explorer):
    assert explorer.server_address[0] == "127.0.0.1"
    assert len(explorer.token) >= 32 and Explorer().token != explorer.token


def test_a_port_that_is_taken_is_told(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(port, browser=False) == 2
    assert f"port {port}" in capsys.readouterr().err


def test_the_command_prints_the_address_and_ends_on_interrupt():
    command = [sys.executable, "-m", "penlight", "explore", "--no-browser"]
    # Also where the tests were started deaf to interrupts, as shells start what runs in the background.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heard) as process:
        try:
            line = process.stdout.readline()
            assert re.search(r"http://127\.0\.0\.1:\d+/\?token=\S{32}$", line)
            process.send_signal(2)
            assert process.wait(20) == 0
        finally:
            process.kill()
