"""Runs `host top` in a terminal, ends it by a key, and says what it did to the terminal: HOST ADDRESS."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios

ENTER, LEAVE, FRAME = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l", b"\x1b[H"
SECONDS_MAX = 60


def line_by_line(terminal):
    return bool(termios.tcgetattr(terminal)[3] & termios.ICANON)


def ended_by(key, host, address, **environment):
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    top = subprocess.Popen(
        [host, "top", "--admin", address],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        env={**os.environ, "NO_COLOR": "", **environment},
    )
    seen = b""
    while seen.count(FRAME) < 2:
        seen += os.read(ours, 65536)
    keys = not line_by_line(theirs)
    os.write(ours, key)
    while not seen.endswith(LEAVE):
        seen += os.read(ours, 65536)
    code = top.wait(SECONDS_MAX)
    return {
        "code": code,
        "took_screen": seen.startswith(ENTER),
        "took_keys": keys,
        "gave_back": termios.tcgetattr(theirs) == before,
        "frames": seen.decode(),
    }


signal.alarm(SECONDS_MAX)
print(
    json.dumps(
        {"q": ended_by(b"q", *sys.argv[1:]), "Ctrl-C": ended_by(b"\x03", *sys.argv[1:], NO_COLOR="1")}
    )
)
