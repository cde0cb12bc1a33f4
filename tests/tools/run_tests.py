#!/usr/bin/env python3
"""Builds and runs the tests for `./dev test` and counts them.

run_tests.py --build DIR [--kind unit|e2e|all] [--name NAME]

unit: the cmocka programs that CMake registered under the label "unit", run by ctest. Counted are
      the single tests inside; a program that crashes, hangs or cannot start is one failure more.
e2e:  tests/integration/test_*.py, one process each and one more at a time than there are cores
      (they wait much of their time), with ROOMKEEP_BIN at the built programs.

NAME is a part of a name (or a regular expression): of the program, of a test function in it, of a
test file, or of a test in it. Only what is asked for is built. The last line is
`N passed, N failed`, with `, N skipped` when some were; exit 0 only if none failed.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
E2E_SECONDS_MAX = int(os.environ.get("ROOMKEEP_E2E_SECONDS_MAX", "900"))
OUTPUT_LINES_MAX = 300  # of a failing test


class Counts:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def say(text):
    print(text, flush=True)


def show_output(text):
    lines = text.rstrip("\n").split("\n")
    if len(lines) > OUTPUT_LINES_MAX:
        say(f"  | ... {len(lines) - OUTPUT_LINES_MAX} lines before")
        lines = lines[-OUTPUT_LINES_MAX:]
    for line in lines:
        say("  | " + line)


def run(command, **more):
    """Runs with output kept; one line with the time. Returns (exit code, output)."""
    print(" ".join(command), end="", flush=True)
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **more)
    say(f" ({time.monotonic() - start:.1f} s)")
    return done.returncode, done.stdout


def build(folder, targets):
    command = ["cmake", "--build", folder]
    if targets is not None:
        if not targets:
            return True
        command += ["--target", *targets]
    code, output = run(command)
    if code != 0:
        show_output(output)
        say("  the build failed")
    return code == 0


# -- unit ------------------------------------------------------------------------------------------

def unit_programs(folder):
    """Name -> path of the program's source, from what CMake registered."""
    listed = subprocess.run(["ctest", "--test-dir", folder, "-L", "^unit$", "--show-only=json-v1"],
                            stdout=subprocess.PIPE, check=True).stdout
    found = {}
    for test in json.loads(listed)["tests"]:
        found[test["name"]] = source_of(test["name"])
    return found


def source_of(name):
    """unit_server_core_dialog_test -> tests/unit/server/core/dialog_test.c"""
    for path in glob.glob(os.path.join(ROOT, "tests/unit/**/*_test.c"), recursive=True):
        relative = os.path.relpath(path, os.path.join(ROOT, "tests"))
        if relative[:-2].replace("/", "_") == name:
            return path
    return None


def matches_inside(path, pattern, line_form):
    if path is None:
        return False
    with open(path, encoding="utf-8") as f:
        return any(pattern.search(found) for found in re.findall(line_form, f.read(), re.M))


def choose_unit(folder, pattern):
    programs = unit_programs(folder)
    if pattern is None:
        return sorted(programs)
    return sorted(name for name, path in programs.items()
                  if pattern.search(name) or matches_inside(path, pattern, r"\b(test_\w+)\("))


def count_cmocka(output):
    """cmocka 1.1.5 prints one `[       OK ]`, `[  FAILED  ]` or `[  SKIPPED ]` line per test."""
    oks = len(re.findall(r"^\[ +OK \] ", output, re.M))
    run_lines = len(re.findall(r"^\[ RUN +\] ", output, re.M))
    ended = re.search(r"^\[==========\] \d+ test\(s\) run\.", output, re.M)
    skipped = len(set(re.findall(r"^\[  SKIPPED \] (test_\w+|\w+)$", output, re.M)))
    return Counts(oks, run_lines - oks - skipped, skipped), bool(ended)


def count_program(status, output):
    counts, ended = count_cmocka(output)
    if status == "Passed" and not ended:
        return Counts(1, 0)  # not a cmocka program: it counts as one test
    if status != "Passed" and counts.failed == 0:
        counts.failed = 1  # a sanitizer report, a leak, a crash in teardown
    return counts


def parse_ctest_log(folder):
    """Yields (name, status, output) of each program in the last ctest run."""
    path = os.path.join(folder, "Testing/Temporary/LastTest.log")
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    for part in re.split(r"^\d+/\d+ Testing: ", text, flags=re.M)[1:]:
        name = part.split("\n", 1)[0].strip()
        body = part.split("-" * 58 + "\n", 1)[-1]
        output, _, tail = body.rpartition("<end of output>")
        passed = re.search(r"^Test Passed\.$", tail, re.M)
        why = re.search(r"^(?:Test (?:Failed|Timeout|Not Run)|Not Run)[^\n]*", tail, re.M)
        yield name, "Passed" if passed else (why.group(0) if why else "ended badly"), output


def run_unit(folder, pattern):
    names = choose_unit(folder, pattern)
    if not names:
        say("unit: no test program has that name" if pattern else "unit: no test programs")
        return Counts()
    everything = pattern is None
    if not build(folder, None if everything else names):
        return Counts(0, 1)
    command = ["ctest", "--test-dir", folder, "-L", "^unit$", "-j", str(os.cpu_count() or 2)]
    if not everything:
        command += ["-R", "^(" + "|".join(names) + ")$"]
    code, output = run(command)
    total = Counts()
    seen = 0
    for name, status, text in parse_ctest_log(folder):
        seen += 1
        counts = count_program(status, text)
        total.add(counts)
        if counts.failed:
            say(f"  {name}: {status}")
            show_output(text)
    if seen != len(names) or (code != 0 and total.failed == 0):
        show_output(output)
        total.failed += 1
    say(f"unit: {total} in {seen} programs")
    return total


# -- e2e -------------------------------------------------------------------------------------------

def count_unittest(output, code):
    ran = re.findall(r"^Ran (\d+) tests? in ", output, re.M)
    if not ran:
        return Counts(0, 1)
    last = re.findall(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$", output, re.M)
    parts = dict(re.findall(r"([a-z ]+)=(\d+)", last[-1].replace(", ", ",") if last else ""))
    failed = sum(int(parts.get(k, 0)) for k in ("failures", "errors", "unexpected successes"))
    skipped = int(parts.get("skipped", 0))
    if code not in (0, 5) and failed == 0:
        failed = 1
    return Counts(max(0, int(ran[-1]) - failed - skipped), failed, skipped)


def run_file(path, folder, pattern):
    """One test file in its own process group, so that nothing it started outlives it."""
    environment = dict(os.environ, ROOMKEEP_BIN=os.path.abspath(os.path.join(folder, "bin")))
    command = [sys.executable, os.path.relpath(path, ROOT), "-v"]
    # A name that belongs to the file chooses all of it; otherwise its tests of that name.
    if pattern is not None and not pattern.search(os.path.basename(path)):
        names = [n for n in tests_inside(path) if pattern.search(n)]
        for name in names:
            command += ["-k", name]
    start = time.monotonic()
    child = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             errors="replace", start_new_session=True)
    try:
        output, _ = child.communicate(timeout=E2E_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output = child.communicate()[0] + f"\nkilled after {E2E_SECONDS_MAX} s\n"
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    counts = count_unittest(output, child.returncode)
    return counts, f"{' '.join(command)} ({time.monotonic() - start:.1f} s) {counts}", output


def tests_inside(path):
    with open(path, encoding="utf-8") as f:
        return re.findall(r"^\s+def (test\w*)\(", f.read(), re.M)


def choose_e2e(pattern):
    paths = sorted(glob.glob(os.path.join(ROOT, "tests/integration/test_*.py")))
    if pattern is None:
        return paths
    return [p for p in paths if pattern.search(os.path.basename(p))
            or any(pattern.search(name) for name in tests_inside(p))]


def run_e2e(folder, pattern):
    paths = choose_e2e(pattern)
    if not paths:
        say("e2e: no tests" + (" of that name" if pattern else " in tests/integration yet"))
        return Counts()
    if not build(folder, ["roomkeep", "roomkeepd"]):
        return Counts(0, 1)
    total = Counts()
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 2) + 1) as pool:
        jobs = [pool.submit(run_file, path, folder, pattern) for path in paths]
        for job in concurrent.futures.as_completed(jobs):
            counts, line, output = job.result()
            say(line)
            if counts.failed:
                show_output(output)
            total.add(counts)
    say(f"e2e: {total} in {len(paths)} files")
    return total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--kind", choices=["unit", "e2e", "all"], default="all")
    parser.add_argument("--name", default="")
    args = parser.parse_args()
    try:
        pattern = re.compile(args.name) if args.name else None
    except re.error:
        pattern = re.compile(re.escape(args.name))
    total = Counts()
    if args.kind in ("unit", "all"):
        total.add(run_unit(args.build, pattern))
    if args.kind in ("e2e", "all"):
        total.add(run_e2e(args.build, pattern))
    if pattern is not None and total.passed + total.failed + total.skipped == 0:
        say(f"nothing matches {args.name}")
        total.failed = 1
    say(str(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
