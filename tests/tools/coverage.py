#!/usr/bin/env python3
"""Line and branch coverage of our own sources, behind `./dev coverage`.

coverage.py --build DIR [--reuse] [--html] [--write | --check] [FILE...]

DIR is built with gcc --coverage. Runs the unit tests (the corpora of the fuzz targets are among
them), a bounded simulator run and a part of the fault campaigns, each run of which checks what came
of its fault; asks gcovr for the counts and prints a table per folder.

FILE      lists the uncovered branches of that source, line by line
--reuse   leaves the counts of the last run as they are and only reports
--html    gcovr's annotated sources in DIR/html
--write   writes tests/coverage.md anew: what is uncovered in the goal's folders, and why
--check   fails when a goal is missed by either figure, or when tests/coverage.md does not explain
          what is uncovered

What counts as a branch (gcc -O0, as gcov sees it):
  not counted   the arms of REQUIRE, INSIST and UV_MUST, and of the functions x_invariant that
                INSIST calls: they stop the process when it has a bug, so a test that takes one
                shows a bug, not a behaviour
  not counted   what the compiler adds: where to go on after a CLEANUP, and a switch's way for
                values that its enum does not have, when it has no default
  counted       everything else. A second figure leaves out TRY too, whose one arm hands an error
                upward that the called function's own ENSURE decided on
A child that a test kills or that leaves by _exit writes no counts: figures are a lower bound. The
children of roomkeep_fault write theirs (tests/fault/run.c).
"""

import argparse
import collections
import glob
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = os.path.join(ROOT, "tests/coverage.md")
SIM_SEEDS = 20
# Beside the short form, which is a unit test: call i of these kinds fails once, for every i, in
# every scene; in those of common/db, of every kind. Two minutes. What would take hours (each
# allocation of all libraries, in whole worlds) is left to ./dev fault.
FAULT_RUNS = [["--call", "own"], ["--call", "prepare"], ["--call", "step-io"], ["--scenario", "db"]]
PERCENT_MIN = 90

# Area of the goal -> paths: a folder with its slash, or a file.
GOALS = {
    "base, wire, seal, record": ["common/base/", "common/wire/", "common/seal/", "common/record/"],
    "client/core": ["client/core/"],
    "server/core": ["server/core/"],
    "stores": ["server/store/", "client/store/", "common/db/"],
    "sign-in": ["server/work/work_login.c", "server/store/throttle.c", "client/store/account.c",
                "client/store/vault.c", "client/core/sync_person.c", "common/crypt/proof.c",
                "common/crypt/passphrase.c", "common/crypt/pass_keys.c", "common/crypt/kdf.c"],
}

GUARD = re.compile(r"\b(?:REQUIRE|INSIST|UV_MUST)\(")
GUARD_ONLY = re.compile(r"^\s*(?:REQUIRE|INSIST|UV_MUST)\(")
TRY_PAIR = re.compile(r"\bTRY\(")
FOR_TRY = re.compile(r"^\s*for \(.*\) TRY\(")
CLEANUP_ONLY = re.compile(r"^\s*CLEANUP\((?!.*(?:\?|&&|\|\|))")
INVARIANT = re.compile(r"^static bool \w+_invariant\(")
SWITCH = re.compile(r"^(\s*)switch \(")

# Reasons that a line gives by itself: (what it looks like, name, what it says). First match wins.
# The first three are about TRY's own pair only, the others about lines with one condition.
TRY_REASONS = [
    (re.compile(r"TRY\((?:db_col_(?:id|bytes)|store_col_(?:hash|sig))\("), "column",
     "a column of another length than it was written with. Only damage makes one; the tests of "
     "damaged rows make some, not every column of every query"),
    (re.compile(r"TRY\((?:buf_|enc_|secret_|sign_key_|box_key_|keyring_alloc|store_array"
                r"|store_col_dup|guarded_open)"), "memory",
     "memory runs out, or the bound of an arena or a buffer is met, in this one of many places"),
    (re.compile(r"TRY\("), "handed on",
     "the called function decides whether it fails and is tested for that; at this place it has "
     "not failed in any test, and all that is done here is to hand its error upward"),
]
LINE_REASONS = [
    (re.compile(r"^(?:ENSURE|if) ?\([^&|]*(?:[!=]= NULL)[^&|]*ERR_NOMEM\);$"
                r"|^ENSURE\(e != ERR_NOMEM, (?:e|ERR_NOMEM)\);$"), "memory", ""),
    (re.compile(r"^ENSURE\([^&|]*, err_from_errno\(errno\)\);$"), "system",
     "a call to the system fails that has not failed here"),
]


class Line:
    """One source line: its branches' counts after what no test can decide on is taken out."""

    def __init__(self, path, number, source, counts):
        text = source[number - 1]
        self.path, self.number, self.text = path, number, text.strip()
        self.counts = counts_of_choices(source, number, counts)
        self.has_try = bool(TRY_PAIR.search(text))

    def never(self):
        return sum(1 for c in self.counts if c == 0)

    def try_pair(self):
        """Where the pair of TRY begins: last, but before the condition of a loop on its line, which
        gcc puts at the loop's end."""
        return 0 if FOR_TRY.match(self.text) else len(self.counts) - 2

    def decided(self):
        """Without the pair of TRY; what else stands on the line stays."""
        at = self.try_pair()
        return self.counts[:at] + self.counts[at + 2:] if self.has_try else self.counts


def counts_of_choices(source, number, counts):
    """A macro's branches stand on the line where it begins; the guard's own pair comes last."""
    text = source[number - 1]
    if GUARD_ONLY.match(text) or CLEANUP_ONLY.match(text) or in_invariant(source, number):
        return []
    if GUARD.search(text):
        return counts[:-2]
    if SWITCH.match(text) and counts and counts[-1] == 0 and not has_default(source, number):
        return counts[:-1]
    return counts


def in_invariant(source, number):
    """Inside a function x_invariant, which INSIST calls: its arms are that INSIST's."""
    for text in reversed(source[:number]):
        if INVARIANT.match(text):
            return True
        if text == "}":
            return False
    return False


def has_default(source, number):
    """Does the switch that begins on this line have a default of its own?"""
    indent = SWITCH.match(source[number - 1]).group(1)
    for text in source[number:]:
        if text.startswith(indent + "default:"):
            return True
        if text.startswith(indent + "}"):
            return False
    return False


def step(command, **more):
    print(" ".join(command), flush=True)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", **more)
    if done.returncode != 0:
        print("\n".join("  | " + row for row in done.stdout.splitlines()[-100:]))
        sys.exit(f"coverage: {command[0]} ended with exit code {done.returncode}")


def run_all(build):
    for path in glob.glob(os.path.join(build, "**/*.gcda"), recursive=True):
        os.unlink(path)
    step(["ctest", "--test-dir", build, "-L", "^unit$", "-j", str(os.cpu_count() or 2),
          "--output-on-failure", "--timeout", "900"])
    # --seed runs in the program's own process, which leaves by exit and so writes its counts.
    for seed in range(1, SIM_SEEDS + 1):
        step([os.path.join(build, "tests/roomkeep_sim"), "--seed", str(seed)])
    for run in FAULT_RUNS:
        step([os.path.join(build, "tests/roomkeep_fault"), *run, "--mode", "once"])


def gcovr(build, *more):
    step(["gcovr", "--root", ROOT, "--filter", "common/", "--filter", "client/", "--filter",
          "server/", "-j", str(os.cpu_count() or 2), *more, build], cwd=ROOT)


def read_counts(build):
    """Path -> ([Line with branches], lines, lines run)."""
    report = os.path.join(build, "coverage.json")
    gcovr(build, "--json", report)
    with open(report, encoding="utf-8") as f:
        files = json.load(f)["files"]
    found = {}
    for entry in files:
        # Headers are reached through the link trees of cmake/house.cmake.
        path = os.path.relpath(os.path.realpath(os.path.join(ROOT, entry["file"])), ROOT)
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            source = f.read().split("\n")
        rows = [row for row in entry["lines"] if not row["gcovr/noncode"]]
        lines = [Line(path, row["line_number"], source,
                      [b["count"] for b in row["branches"]]) for row in rows if row["branches"]]
        found[path] = (lines, len(rows), sum(1 for row in rows if row["count"] > 0))
    return found


# -- the table -------------------------------------------------------------------------------------

class Sum:
    def __init__(self):
        self.lines = self.run = self.all = self.taken = self.decided = self.decided_taken = 0

    def add(self, file):
        lines, count, run = file
        self.lines += count
        self.run += run
        for line in lines:
            self.all += len(line.counts)
            self.taken += len(line.counts) - line.never()
            decided = line.decided()
            self.decided += len(decided)
            self.decided_taken += sum(1 for c in decided if c > 0)

    def percent_least(self):
        return min(self.percent(self.taken, self.all),
                   self.percent(self.decided_taken, self.decided))

    @staticmethod
    def percent(part, whole):
        return 100.0 * part / whole if whole else 100.0

    def __str__(self):
        return (f"{self.percent(self.run, self.lines):6.1f} %"
                f"{self.percent(self.taken, self.all):8.1f} % of {self.all:5}"
                f"{self.percent(self.decided_taken, self.decided):8.1f} % of {self.decided:5}")


def in_area(path, area):
    return any(path.startswith(p) if p.endswith("/") else path == p for p in area)


def print_tables(found):
    """True when every area of the goal is reached."""
    folders = collections.defaultdict(Sum)
    for path, file in found.items():
        folders[os.path.dirname(path)].add(file)
    print(f"{'':30}{'lines':>8}{'branches':>19}{'without TRY':>19}")
    for folder in sorted(folders):
        print(f"{folder:30}{folders[folder]}")
    print(f"\nThe goal: {PERCENT_MIN} % of branches")
    reached = True
    for name, area in GOALS.items():
        total = Sum()
        for path, file in found.items():
            if in_area(path, area):
                total.add(file)
        print(f"{name:30}{total}")
        reached = reached and total.percent_least() >= PERCENT_MIN
    print("Not counted: the arms of REQUIRE, INSIST and UV_MUST, which stop a process that has a\n"
          "bug; where to go on after a CLEANUP; values that a switch's enum does not have.")
    return reached


def print_file(found, path):
    lines, count, run = found[path]
    print(f"\n{path}: {run} of {count} lines")
    for line in lines:
        if line.never():
            arms = "".join("-" if c == 0 else "+" for c in line.counts)
            print(f"{line.number:5} {arms:8} {line.text}")


# -- tests/coverage.md -----------------------------------------------------------------------------

def reason_of(line):
    """The name of the reason that the line gives by itself, or None."""
    never = [i for i, c in enumerate(line.counts) if c == 0]
    at = line.try_pair()
    if line.has_try and all(at <= i < at + 2 for i in never):
        return next(name for pattern, name, _ in TRY_REASONS if pattern.search(line.text))
    if len(line.counts) != 2:
        return None
    return next((name for pattern, name, _ in LINE_REASONS if pattern.search(line.text)), None)


class Row:
    """Equal lines of a file: arms never taken, and the reason that all of them give."""

    def __init__(self):
        self.arms, self.reasons = 0, set()

    def add(self, line):
        self.arms += line.never()
        self.reasons.add(reason_of(line))

    def reason(self):
        return next(iter(self.reasons)) if len(self.reasons) == 1 else None


def uncovered(found):
    """(path, text) -> Row, in the goal's areas."""
    rows = collections.OrderedDict()
    for path in sorted(found):
        if any(in_area(path, area) for area in GOALS.values()):
            for line in found[path][0]:
                if line.never():
                    rows.setdefault((path, line.text), Row()).add(line)
    return rows


ROW = re.compile(r"^\| `(.*)` \| (\d+) \| (.*) \|$")


def read_page():
    """(path, text) -> (arms, reason)."""
    rows, path = {}, None
    if not os.path.exists(PAGE):
        return rows
    with open(PAGE, encoding="utf-8") as f:
        for text in f.read().split("\n"):
            if text.startswith("## "):
                path = text[3:]
            found = ROW.match(text)
            if found and path:
                code = found.group(1).replace("\\|", "|")
                rows[path, code] = (int(found.group(2)), found.group(3))
    return rows


def reason_names():
    return {name for _, name, _ in TRY_REASONS + LINE_REASONS}


def write_page(rows, old):
    """What was written by hand is kept; the tool's own reasons are found anew."""
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(HEAD)
        for _, name, meaning in TRY_REASONS + LINE_REASONS:
            if meaning:
                f.write(f"- **{name}**: {meaning}.\n")
        path = None
        for (where, text), row in rows.items():
            if where != path:
                path = where
                f.write(f"\n## {path}\n\n| line | arms | why |\n|---|---|---|\n")
            reason = old.get((where, text), (0, "?"))[1]
            if reason == "?" or reason in reason_names():
                reason = row.reason() or "?"
            code = text.replace("|", "\\|")
            f.write(f"| `{code}` | {row.arms} | {reason} |\n")


HEAD = """# Branches that no test takes

Written by `./dev coverage --write`, checked by `./dev coverage --check`: of the folders that issue
3 names, every line with an arm that neither a unit test, nor a corpus, nor the simulator, nor the
fault campaigns that coverage.py runs take; how many such arms; why. Lines are known by their text:
equal ones of a file share a row. Reasons in one or two words are filled in by the tool and mean
what stands here; the others are written by hand and kept.

"""


def check_page(rows, old):
    """What is wrong with the page, as sentences."""
    wrong = []
    for (path, text), row in rows.items():
        have = old.get((path, text))
        if have is None:
            wrong.append(f"{path}: not explained: {text}")
        elif have[1] in ("?", ""):
            wrong.append(f"{path}: no reason given: {text}")
        elif have[1] in reason_names() and have[1] != row.reason():
            wrong.append(f"{path}: \"{have[1]}\" does not explain it: {text}")
        elif row.arms > have[0]:
            wrong.append(f"{path}: {row.arms} arms, explained are {have[0]}: {text}")
    for path, text in old:
        if (path, text) not in rows:
            source = os.path.join(ROOT, path)
            gone = not os.path.exists(source)
            if not gone:
                with open(source, encoding="utf-8") as f:
                    gone = text not in (row.strip() for row in f)
            if gone:
                wrong.append(f"{path}: explained, but there is no such line: {text}")
            else:
                print(f"{path}: covered by now, its row can go: {text}")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--reuse", action="store_true")
    parser.add_argument("--html", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("files", nargs="*", metavar="FILE")
    args = parser.parse_args()
    build = os.path.abspath(args.build)
    if not args.reuse:
        run_all(build)
    found = read_counts(build)
    for path in args.files:
        if path not in found:
            sys.exit(f"coverage: there are no counts of {path}")
    if args.html:
        os.makedirs(os.path.join(build, "html"), exist_ok=True)
        gcovr(build, "--exclude-branches-by-pattern", GUARD.pattern,
              "--html-details", os.path.join(build, "html/index.html"))
        print(f"annotated sources: {args.build}/html/index.html")
    reached = print_tables(found)
    for path in args.files:
        print_file(found, path)
    rows = uncovered(found)
    if args.write:
        write_page(rows, read_page())
    wrong = check_page(rows, read_page()) if args.check else []
    for sentence in wrong:
        print(sentence)
    if args.check and not reached:
        wrong.append("goal")
        print(f"an area of the goal is below {PERCENT_MIN} %")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
