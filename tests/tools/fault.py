#!/usr/bin/env python3
"""Fault injection: behind `./dev fault` and the unit test roomkeep_fault (tests/fault/README.md).

fault.py --program PATH [--quick] [ARGUMENTS OF roomkeep_fault]

First each planted bug is asked for: the harness must find it, or nothing it says is worth anything.
Then roomkeep_fault runs with the arguments given. --trace output gets names of functions and lines.
"""

import re
import subprocess
import sys

PLANTED = ("null", "leak", "ack", "blame", "secret", "file")


def planted_found(program):
    ok = True
    for name in PLANTED:
        run = subprocess.run([program, "--scenario", f"planted.{name}"], capture_output=True,
                             text=True, timeout=120, check=False)
        found = run.returncode == 1 and "BROKEN" in run.stdout
        print(f"planted.{name:12} {'found' if found else 'NOT FOUND'}")
        ok = ok and found
    return ok


def named(line, program):
    """A frame of ours as function and place: "    | .../roomkeep_fault(+0x1f31b)[0x...]"."""
    m = re.search(re.escape(program.rsplit("/", 1)[-1]) + r"\(\+(0x[0-9a-f]+)\)", line)
    if m is None:
        return line
    run = subprocess.run(["addr2line", "-f", "-p", "-s", "-e", program, m.group(1)],
                         capture_output=True, text=True, check=False)
    return f"    | {run.stdout.strip() or line.strip()}\n"


def main():
    args = sys.argv[1:]
    if len(args) < 2 or args[0] != "--program":
        sys.exit(__doc__)
    program, rest = args[1], args[2:]
    if "--scenario" not in rest and "--list" not in rest and not planted_found(program):
        sys.exit("fault: a planted bug was not found")
    with subprocess.Popen([program, *rest], stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            print(named(line, program), end="", flush=True)
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
