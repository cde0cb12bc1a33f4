"""Is a bundle FHIR R4? The npm package fhir says; its lock file installs it into build/fhir."""
import fcntl
import json
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
FHIR = os.path.join(HERE, "fhir")
MODULES = os.path.join(HERE, "../../build/fhir")


def installed():
    lock = os.path.join(FHIR, "package-lock.json")
    kept = os.path.join(MODULES, "package-lock.json")
    with open(lock, "rb") as f:
        wanted = f.read()
    if os.path.exists(kept):
        with open(kept, "rb") as f:
            if f.read() == wanted:
                return
    shutil.rmtree(MODULES, ignore_errors=True)
    os.makedirs(MODULES)
    shutil.copy(os.path.join(FHIR, "package.json"), MODULES)
    shutil.copy(lock, MODULES)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=MODULES,
                          capture_output=True, text=True)
    if done.returncode != 0:
        os.remove(kept)
        raise AssertionError("npm ci: %s" % done.stderr)


def check(path):
    """{"valid", "messages", "types"} of the bundle in this file."""
    os.makedirs(os.path.dirname(MODULES), exist_ok=True)
    with open(MODULES + ".lock", "w", encoding="utf-8") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        installed()
    return json.loads(subprocess.run(
        ["node", os.path.join(FHIR, "check.js"), MODULES, path], check=True, capture_output=True,
        text=True).stdout)
