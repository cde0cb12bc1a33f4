#!/usr/bin/env python3
"""clang-tidy (.clang-tidy) over our own sources, on every core. Used by `./dev lint`.

clang_tidy.py --build DIR [--deep] [NAME]   NAME: only paths (in the tree) that contain it

clang's analyzer follows the paths of the product, NODES_MAX states of a function; of tests, and to
its own default of 225,000 states, only with --deep: what it could find there fails a test under the
sanitizers, and with both CI would take five minutes longer. Generated code is skipped. A source
that passed is not looked at again until its preprocessed text, its flags or the checks change:
.cache/clang-tidy/ holds one empty file per proof, named by the hash of all three. (run-clang-tidy,
which Debian ships, always starts from nothing.)
"""

import argparse
import concurrent.futures
import glob
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(ROOT, ".cache/clang-tidy")
CACHE_DAYS_MAX = 14
NODES_MAX = 30000
BATCH = 6  # sources of one process, which takes a fifth of a second to start


def checks_text():
    version = subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, check=True).stdout
    parts = [version]
    for path in sorted(glob.glob(os.path.join(ROOT, "**/.clang-tidy"), recursive=True)
                       + [os.path.join(ROOT, ".clang-tidy")]):
        with open(path, "rb") as f:
            parts.append(f.read())
    return b"\0".join(parts)


def preprocess(entry):
    """The text clang-tidy will see, comments included (NOLINT lives there)."""
    words = shlex.split(entry["command"])
    if "ccache" in words[0]:
        words = words[1:]
    words = words[:words.index("-o")] if "-o" in words else words
    words = [w for w in words if w != "-c"] + ["-E", "-C", entry["file"]]
    done = subprocess.run(words, cwd=entry["directory"], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else os.urandom(32)  # never proven before


def proof_of(entry, checks, more):
    key = hashlib.sha256()
    for part in (preprocess(entry), entry["command"].encode(), checks, " ".join(more).encode()):
        key.update(hashlib.sha256(part).digest())
    return os.path.join(CACHE, key.hexdigest())


def tidy(build, more, paths):
    """Findings, "" when there are none."""
    done = subprocess.run(["clang-tidy", "-quiet", *more, "-p", build, *paths],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    if done.returncode == 0:
        return ""
    return re.sub(r"^(\d+ warnings? generated\.|Suppressed .*|Use -header-filter.*)\n", "",
                  done.stdout, flags=re.M) or f"clang-tidy ended with {done.returncode}\n"


def check_batch(entries, build, checks, more):
    """Returns (how many were looked at, findings of each that has some)."""
    proofs = {e["file"]: proof_of(e, checks, more) for e in entries}
    new = []
    for path, proof in proofs.items():
        if os.path.exists(proof):
            os.utime(proof)
        else:
            new.append(path)
    found = []
    # One by one when the batch has findings: which source they are of.
    good = new if not new or tidy(build, more, new) == "" else []
    for path in new:
        output = "" if path in good else tidy(build, more, [path])
        if output:
            found.append(output)
            continue
        with open(proofs[path], "w", encoding="utf-8"):
            pass
    return len(new), found


def batches_of(entries, deep):
    """Yields (sources, flags): tests and the product apart, each batch from all over the tree."""
    limit = [f"--extra-arg={word}" for word in
             ("-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={NODES_MAX}")]
    for is_test, more in ((False, limit), (True, ["--checks=-clang-analyzer-*"])):
        part = [e for e in entries
                if os.path.relpath(e["file"], ROOT).startswith("tests/") == is_test]
        step = max(1, -(-len(part) // BATCH))
        for i in range(step):
            yield part[i::step], [] if deep else more


def forget_old_proofs():
    oldest = time.time() - CACHE_DAYS_MAX * 86400
    for path in glob.glob(os.path.join(CACHE, "*")):
        if os.path.getmtime(path) < oldest:
            os.unlink(path)


def our_sources(build, name):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    ours = re.compile(re.escape(ROOT) + r"/(common|server|client|tests)/")
    return {e["file"]: e for e in entries
            if ours.match(e["file"]) and name in os.path.relpath(e["file"], ROOT)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("name", nargs="?", default="")
    args = parser.parse_args()
    os.makedirs(CACHE, exist_ok=True)
    forget_old_proofs()
    entries = our_sources(args.build, args.name)
    checks = checks_text()
    looked = bad = 0
    findings = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        jobs = [pool.submit(check_batch, batch, args.build, checks, more)
                for batch, more in batches_of(entries.values(), args.deep)]
        for job in concurrent.futures.as_completed(jobs):
            new, found = job.result()
            looked += new
            for output in found:
                bad += 1
                print(output, flush=True)
                findings.update(re.findall(r"^\S+: (?:error|warning): .*", output, flags=re.M))
    for line in sorted(findings):  # again, together: what a shortened log still shows
        print(os.path.relpath(line, ROOT))
    print(f"{len(entries)} sources, {looked} looked at, {bad} with findings")
    return 1 if bad or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
