"""Runs commands of the cinder client in one process, which starts once.

Standard input has a command line each. For each of them a line says how it ended, and what it
printed follows.
"""

import contextlib
import io
import shlex
import sys
import warnings

from cinderclient.shell import OpenStackCinderShell

warnings.simplefilter("ignore")
for line in sys.stdin:
    printed = io.StringIO()
    outcome = "ok"
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            OpenStackCinderShell().main(shlex.split(line))
        except BaseException as error:
            if not isinstance(error, SystemExit) or error.code not in (None, 0):
                outcome = f"failed: {error}"
    print(f"# {line.strip()}: {outcome}", flush=True)
    print(printed.getvalue(), flush=True)
