#!/usr/bin/env python3
"""gcc -fanalyzer over our own sources (tests left out), on every core. Used by `./dev lint`.

gcc_analyzer.py --build DIR    DIR/compile_commands.json may be of any compiler

It follows __attribute__((cleanup)), which clang's analyzer does not, so double frees and uses after
free are looked for here. Off: null pointers (clang-tidy looks), leaks (gcc 12 reports memory that
was handed on by TAKE; ASan and valgrind see the real ones), values of unknown origin.
"""

import argparse
import concurrent.futures
import os
import shlex
import subprocess
import sys

from clang_tidy import ROOT, our_sources

OFF = ["null-dereference", "possible-null-dereference", "null-argument", "possible-null-argument",
       "malloc-leak", "use-of-uninitialized-value"]


def check_source(entry):
    words = shlex.split(entry["command"])
    picked = []
    for i, word in enumerate(words):
        if word.startswith(("-I", "-D")):
            picked.append(word)
        elif word == "-isystem":
            picked += [word, words[i + 1]]
    picked = [w for w in picked if "FORTIFY" not in w]
    command = ["gcc", "-std=gnu11", "-O1", "-fanalyzer", "-c", "-o", os.devnull, *picked,
               *(f"-Wno-analyzer-{name}" for name in OFF),
               entry["file"]]
    done = subprocess.run(command, cwd=entry["directory"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.stdout if done.returncode != 0 or "-Wanalyzer" in done.stdout else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    args = parser.parse_args()
    entries = [e for e in our_sources(args.build, "").values()
               if not e["file"].startswith(os.path.join(ROOT, "tests/"))]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for output in pool.map(check_source, entries):
            if output:
                bad += 1
                print(output, flush=True)
    print(f"{len(entries)} sources, {bad} with findings")
    return 1 if bad or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
