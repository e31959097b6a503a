"""Runs commands of the terminal clients in one process, which starts once.

Standard input has a JSON object a line: `client`, which is `openstack` or `cinder`, and `words`.
For each of them one line is printed, a JSON object: the exit `code` and what was `printed`, on both
streams. A line with `groups` instead asks for the names of a client's own commands: all of them, or
for `openstack` those of some groups.
"""

import contextlib
import importlib.metadata
import io
import json
import logging
import sys
import warnings

from cinderclient.shell import OpenStackCinderShell
from cinderclient.v3 import shell as cinder_v3
from openstackclient.shell import OpenStackShell


class Keyboard(io.StringIO):
    """Nobody types anything; the clients take what is no terminal for a file to upload."""

    def isatty(self):
        return True


def commands(client, groups):
    """The names as they are typed, without the name of the client."""
    if client == "cinder":
        return [name[3:].replace("_", "-") for name in dir(cinder_v3) if name.startswith("do_")]
    points = importlib.metadata.distribution("python-openstackclient").entry_points
    return [point.name.replace("_", " ") for point in points if point.group in groups]


def run(client, words):
    printed = io.StringIO()
    # The client adds its handlers anew with each command.
    logging.getLogger().handlers = [logging.NullHandler()]
    code = 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            shell = OpenStackCinderShell() if client == "cinder" else OpenStackShell()
            code = shell.main(words) if client == "cinder" else shell.run(words)
        except SystemExit as error:
            code = error.code
        except Exception as error:
            print(error)
            code = 1
    return {"code": code or 0, "printed": printed.getvalue()}


warnings.simplefilter("ignore")
requests, answers = sys.stdin, sys.stdout
sys.stdin = Keyboard()
for line in requests:
    request = json.loads(line)
    client = request["client"]
    groups = request.get("groups")
    answer = run(client, request["words"]) if groups is None else commands(client, groups)
    print(json.dumps(answer), file=answers, flush=True)
