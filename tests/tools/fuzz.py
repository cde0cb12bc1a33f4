#!/usr/bin/env python3
"""Runs the fuzz targets built in DIR, two at a time, behind `./dev fuzz`.

fuzz.py --build DIR [--afl] [NAME] [[--seconds] SECONDS]

NAME      a target, or a part of the names of several
SECONDS   of processor time for each target, 10 unless told; at most six times as long by the clock,
          on a machine that is busy with other things
--afl     the targets were built by AFL++ (afl-clang-fast), and afl-fuzz runs them

New inputs stay in DIR/corpus/; tests/data/corpus/NAME is read, never written. What ends a target is
kept as DIR/fuzz_NAME-*. fuzz_negative has a planted fault and must fail within 10 s: without that
the others' passing says nothing. The last lines are a table of runs, and of runs in a second of
processor time, then `N passed, N failed`.
"""

import argparse
import concurrent.futures
import glob
import os
import re
import resource
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORPUS = os.path.join(ROOT, "tests/data/corpus")
NEGATIVE = "fuzz_negative"
NEGATIVE_SECONDS = 10
NEGATIVE_SECONDS_AFL = 60  # it starts from one byte and has no dictionary of comparisons
INPUT_SECONDS_MAX = 120  # by the clock: long enough for a machine that is busy with other things
WAITING_MAX = 6  # by the clock, for each second of processor time
PLANTED = "AddressSanitizer: heap-buffer-overflow"


class Result:
    """found: how many inputs ended the target; why: the end of its log, when it did not go well;
    cpu: seconds of processor time."""

    def __init__(self, name):
        self.name, self.runs, self.cpu, self.found, self.why = name, 0, 0.0, 0, ""

    def speed(self):
        return int(self.runs / self.cpu) if self.cpu > 0 else 0


def run(command, log, env):
    """Returns (exit code, seconds of processor time)."""
    with open(log, "wb") as out:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, env=env)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_utime + usage.ru_stime


def environment(**more):
    options = os.environ.get("ASAN_OPTIONS", "")
    return dict(os.environ, ASAN_OPTIONS=options + ":" + ":".join(
        f"{name}={value}" for name, value in more.items()))


def seeds_of(name):
    return os.path.join(CORPUS, name.removeprefix("fuzz_"))


def tail(path, lines=60):
    with open(path, encoding="utf-8", errors="replace") as f:
        return "".join("  | " + line for line in f.readlines()[-lines:])


def clean_folder(path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)


# -- libFuzzer -------------------------------------------------------------------------------------

def run_libfuzzer(build, target, seconds):
    """In slices, because libFuzzer counts time by the clock."""
    result = Result(os.path.basename(target))
    name = result.name
    grown = os.path.join(build, "corpus", name.removeprefix("fuzz_"))
    if name == NEGATIVE:
        clean_folder(grown)  # it has to find the way anew
    os.makedirs(grown, exist_ok=True)
    folders = [grown] + ([seeds_of(name)] if os.path.isdir(seeds_of(name)) else [])
    log = os.path.join(build, name + ".log")
    end = time.monotonic() + WAITING_MAX * seconds
    while result.cpu < 0.9 * seconds and time.monotonic() < end:
        left = max(1, round(min(seconds - result.cpu, end - time.monotonic())))
        code, cpu = run(
            [target, f"-max_total_time={left}", f"-timeout={INPUT_SECONDS_MAX}",
             "-rss_limit_mb=2048", "-print_final_stats=1",
             f"-artifact_prefix={os.path.join(build, name)}-", *folders],
            log, environment(detect_leaks=1, allocator_may_return_null=1))
        with open(log, encoding="utf-8", errors="replace") as f:
            text = f.read()
        counted = re.search(r"^stat::number_of_executed_units: +(\d+)", text, re.M)
        result.runs += int(counted.group(1)) if counted else 0
        result.cpu += cpu
        if code != 0:
            result.found = int(name != NEGATIVE or PLANTED in text)
            if name != NEGATIVE or not result.found:
                result.why = tail(log)
            break
    return result


# -- AFL++ -----------------------------------------------------------------------------------------

def read_stats(folder):
    try:
        with open(os.path.join(folder, "default/fuzzer_stats"), encoding="utf-8") as f:
            return dict(re.findall(r"^(\w+) +: (.*)$", f.read(), re.M))
    except FileNotFoundError:
        return {}


def run_afl(build, target, seconds):
    """A crash or an input that hangs counts as found; libAFLDriver makes the target persistent."""
    result = Result(os.path.basename(target))
    name = result.name
    out = os.path.join(build, "afl", name)
    clean_folder(out)
    seeds = seeds_of(name)
    if not os.path.isdir(seeds):
        seeds = os.path.join(build, "afl", name + "-seeds")
        clean_folder(seeds)
        with open(os.path.join(seeds, "one"), "wb") as f:
            f.write(b"\0")
    log = os.path.join(build, name + ".log")
    afl = dict(AFL_NO_UI="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1",
               AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1")
    if name == NEGATIVE:
        afl["AFL_BENCH_UNTIL_CRASH"] = "1"
    code, result.cpu = run(
        ["afl-fuzz", "-i", seeds, "-o", out, "-V", str(seconds), "-m", "none",
         "-t", str(INPUT_SECONDS_MAX * 1000), "--", target],
        log, environment(abort_on_error=1, symbolize=0, detect_leaks=0,
                         allocator_may_return_null=1) | afl)
    stats = read_stats(out)
    result.runs = int(stats.get("execs_done", 0))
    result.found = int(stats.get("saved_crashes", 0)) + int(stats.get("saved_hangs", 0))
    if name != NEGATIVE:
        for i, path in enumerate(sorted(glob.glob(os.path.join(out, "default/crashes/id*")))):
            shutil.copy(path, os.path.join(build, f"{name}-afl-{i}"))
    # It starts and runs, or the log says why not. 1: it was told to stop at the first crash.
    if result.runs == 0 or code not in (0, 1) or (result.found and name != NEGATIVE):
        result.why = tail(log)
    return result


# -- the whole -------------------------------------------------------------------------------------

def passed(result):
    if result.name == NEGATIVE:
        return result.found > 0 and not result.why
    return result.found == 0 and result.runs > 0 and not result.why


def say(result):
    if result.name == NEGATIVE:
        word = "the planted fault was found after" if passed(result) else \
            "failed: the planted fault was not found in"
        print(f"{result.name}: {word} {result.runs} runs", flush=True)
    else:
        word = "" if passed(result) else "failed: "
        print(f"{result.name}: {word}{result.runs} runs", flush=True)
    if not passed(result):
        print(result.why, end="", flush=True)


def choose(build, name):
    found = sorted(glob.glob(os.path.join(build, "fuzz/fuzz_*")))
    if name is None:
        return found
    name = name.removeprefix("fuzz_")
    exact = [t for t in found if os.path.basename(t) == "fuzz_" + name]
    return exact or [t for t in found if name in os.path.basename(t)]


def read_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--afl", action="store_true")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("words", nargs="*", metavar="NAME | SECONDS")
    args = parser.parse_args()
    args.name = None
    for word in args.words:
        if word.isdigit():
            args.seconds = int(word)
        else:
            args.name = word
    if args.seconds < 1:
        parser.error("SECONDS must be above 0")
    return args


def main():
    args = read_args()
    build = os.path.abspath(args.build)
    targets = choose(build, args.name)
    if not targets:
        print(f"there is no fuzz target named {args.name} in this tree")
        return 1
    # A finding is said once, not written as a core file of a gigabyte.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    fuzz = run_afl if args.afl else run_libfuzzer
    negative_seconds = NEGATIVE_SECONDS_AFL if args.afl else NEGATIVE_SECONDS

    def one(target):
        negative = os.path.basename(target) == NEGATIVE
        result = fuzz(build, target, negative_seconds if negative else args.seconds)
        say(result)
        return result

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(one, targets))
    print(f"\n{'target':20}{'runs':>12}{'a second':>10}{'seconds':>9}{'found':>7}")
    for result in results:
        print(f"{result.name:20}{result.runs:12}{result.speed():10}{result.cpu:9.1f}"
              f"{result.found:7}")
    good = sum(1 for result in results if passed(result))
    print(f"{good} passed, {len(results) - good} failed")
    return 0 if good == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
