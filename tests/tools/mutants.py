#!/usr/bin/env python3
"""./dev sim --mutants: deliberate bugs that prove that the simulator's checks can fail.

Each row of the table below is one bug: texts that stand exactly once in a file of the product, what
stands there instead, and the promise that this breaks. The bugs are made in a copy of the tree
(build/mutants/src), built there, and seeds are run until one fails, from several starting points.
A catch counts when a check of the simulator said so (not a crash), and when the same seed passes
without the bug.

  mutants.py [--mutant NAME]... [--seeds N] [--ranges N] [--jobs N]
  mutants.py --check    every old text stands exactly once: quick, in lint, so that none can rot
  mutants.py --list

Exit 1 when a bug is not caught within --seeds (5,000) seeds of a range.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from mutants_table import MUTANTS  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutants"
SRC = WORK / "src"
BUILD = WORK / "build"
SIM = BUILD / "tests" / "roomkeep_sim"
BASE = WORK / "without"  # copies, so that a build in between changes nothing that runs
SUBJECT = WORK / "with"
RANGE_STEP = 100000
BASE_SEEDS = 4  # the unchanged simulator must pass these before anything is proven


def check(mutants):
    """The old texts against the tree as it is."""
    bad = 0
    for m in mutants:
        for path, old, new in m["edits"]:
            count = (ROOT / path).read_text().count(old)
            if count != 1 or old == new:
                print(f"{m['name']}: its text stands {count} times in {path}, not once")
                bad += 1
    print(f"{len(mutants)} mutants, {bad} texts that do not fit")
    return bad == 0


def copy_tree():
    """What git knows or would know, written only where it differs: builds stay incremental."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
        capture_output=True, text=True).stdout.split("\n")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    for path in sorted(SRC.rglob("*")) if SRC.exists() else []:
        if path.is_file() and str(path.relative_to(SRC)) not in wanted:
            path.unlink()
    for name in wanted:
        source, target = ROOT / name, SRC / name
        data = source.read_bytes()
        if target.exists() and target.read_bytes() == data:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        shutil.copymode(source, target)


def build():
    if not (BUILD / "build.ninja").exists():
        command = ["cmake", "-S", str(SRC), "-B", str(BUILD), "-G", "Ninja",
                   "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DROOMKEEP_FAST_KDF=ON",
                   "-DCMAKE_C_COMPILER=gcc"]
        if shutil.which("ccache"):
            command.append("-DCMAKE_C_COMPILER_LAUNCHER=ccache")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["cmake", "--build", str(BUILD), "--target", "roomkeep_sim"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout[-3000:])
        raise SystemExit("mutants: the build failed")


def run_range(start, seeds, jobs):
    """(seeds it took, what failed, the seed) or (None, None, None)."""
    done = subprocess.run(
        [str(SUBJECT), "--only", "--first", "--jobs", str(jobs), "--from", str(start), "--seeds",
         str(seeds)], capture_output=True, text=True, errors="replace")
    failed = re.search(r"^seed (\d+): FAILED.*\n  (.*)$", done.stdout, re.M)
    if failed is None:
        if done.returncode not in (0, 1):
            raise SystemExit(f"mutants: the simulator ended with {done.returncode}")
        return None, None, None
    return int(failed[1]) - start + 1, failed[2], int(failed[1])


def passes_without(seed):
    return subprocess.run([str(BASE), "--seed", str(seed)], capture_output=True).returncode == 0


def judge(mutant, args):
    """Lines to print, the counts, and whether it was caught in every range."""
    counts, caught, lines = [], True, []
    for i in range(args.ranges):
        count, what, seed = run_range(1 + i * RANGE_STEP, args.seeds, args.jobs)
        if count is None:
            lines.append(f"not caught in {args.seeds} seeds from {1 + i * RANGE_STEP}")
            caught = False
            break
        crash = what.startswith("the process ended with")
        honest = not crash and passes_without(seed)
        lines.append(f"after {count}: {what}" + ("" if honest else
                     "  (a crash)" if crash else "  (and without the bug)"))
        caught = caught and honest
        counts.append(count)
    return lines, counts, caught


def run(mutants, args):
    copy_tree()
    build()
    shutil.copy2(SIM, BASE)
    base = subprocess.run([str(BASE), "--only", "--jobs", str(args.jobs), "--seeds",
                           str(BASE_SEEDS)], capture_output=True, text=True,
                          errors="replace")
    if base.returncode != 0:
        print(base.stdout)
        raise SystemExit("mutants: the simulator fails without any bug")
    passed, failed, every = 0, 0, []
    for m in mutants:
        start = time.monotonic()
        kept = {path: (SRC / path).read_text() for path, _, _ in m["edits"]}
        try:
            for path, old, new in m["edits"]:
                (SRC / path).write_text((SRC / path).read_text().replace(old, new))
            build()
            shutil.copy2(SIM, SUBJECT)
            lines, counts, caught = judge(m, args)
        finally:
            for path, text in kept.items():
                (SRC / path).write_text(text)
        every += counts
        passed, failed = passed + caught, failed + (not caught)
        median = f"median {statistics.median(counts):g}" if counts else "never"
        print(f"{'caught' if caught else 'ESCAPED'}  {m['name']}: {m['promise']}: {median} of "
              f"{counts} seeds ({time.monotonic() - start:.0f} s)")
        for line in lines:
            print(f"    {line}")
        sys.stdout.flush()
    if every:
        print(f"seeds until a catch, over all: median {statistics.median(every):g}, "
              f"most {max(every)}")
    print(f"{passed} passed, {failed} failed")
    return failed == 0


def main():
    parser = argparse.ArgumentParser(description="deliberate bugs for the simulator")
    parser.add_argument("--mutants", action="store_true", help="what ./dev sim was given")
    parser.add_argument("--mutant", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=5000)
    parser.add_argument("--ranges", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    unknown = set(args.mutant) - {m["name"] for m in MUTANTS}
    if unknown:
        parser.error(f"no mutant {', '.join(sorted(unknown))}; --list tells their names")
    mutants = [m for m in MUTANTS if not args.mutant or m["name"] in args.mutant]
    if args.list:
        for m in mutants:
            print(f"{m['name']}: {m['promise']}")
        return 0
    if not check(mutants):
        return 1
    if args.check:
        return 0
    os.chdir(ROOT)
    return 0 if run(mutants, args) else 1


if __name__ == "__main__":
    raise SystemExit(main())
