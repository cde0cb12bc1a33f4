#!/usr/bin/env python3
"""Campaigns against the real programs (`./dev crash`): is what was acknowledged there, once?

  crash.py [--kills N] [--points N] [--cuts N] [--faults N] [--storms N]
           [--minutes M] [--results FILE] [--seed S] [-j N]
  crash.py --report [--results FILE]

kills    kill -9 of the server or a room at a random moment while two rooms write     (40)
points   each named crash point (common/base/crashpoint.h) kills at least N times     (1)
cuts     power cuts: unsynced writes of the server or a room are lost or torn; every  (30)
         fourth while a clinic is founded and joined
faults   disk full, full unannounced, read-only, failing fsync, by turns             (16)
storms   a bad network for six seconds: delay, stall, cut frames, half-open, 1 byte/s,
         twins and ghosts of connections                                              (1)
and once, the test of the test: a disk that lies about its syncs must be found out.

Numbers are totals of the results file (build/crash/results.jsonl with --results or --minutes; else
a fresh run). One line there is one batch: a clinic of its own, its harm, its verdict. A campaign
that was stopped goes on where it was, with fresh seeds. The long form:

  nice ./dev crash --results build/crash/long.jsonl --kills 10000 --points 100 --cuts 5000 \\
       --faults 200 --storms 100 -j 2

A batch that fails leaves its clinic in build/crash/failed-KIND-SEED; the same seed makes the same
choices, though the programs' own threads decide what they meet. Exit 1 when a batch failed or a
point was never visited.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RESULTS = os.path.join(ROOT, "build/crash/results.jsonl")
# Hits of one batch: small enough that a clinic stays small, and with it the price of a check.
BATCH = {"kill": 40, "point": 38, "founding": 11, "cut": 25, "birth": 12, "lie": 10, "fault": 16,
         "net": 1}
BATCH_SECONDS_MAX = 900
FAILURES_MAX = 5

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests/crash"))
sys.path.insert(0, os.path.join(ROOT, "tests/integration"))
import points  # noqa: E402


# -- one batch, in a process of its own ------------------------------------------------------------

def run_batch(kind, hits, seed):
    import kinds
    kinds.end_with_us()
    keep = os.path.join(ROOT, "build/crash", "failed-%s-%d" % (kind, seed))
    start = time.monotonic()
    tally, what = {}, None
    try:
        tally = kinds.KINDS[kind](hits, seed, keep)
    except Exception as e:  # whatever it was, the batch failed and the results say why
        import traceback
        traceback.print_exc()
        what = "%s: %s" % (type(e).__name__, str(e)[:2000])
    line = {"kind": kind, "seed": seed, "ok": what is None, "what": what, "asked": hits,
            "seconds": round(time.monotonic() - start, 1), **tally}
    print(json.dumps(line), flush=True)
    return 0 if what is None else 1


# -- results ---------------------------------------------------------------------------------------

class Results:
    def __init__(self, path):
        self.path, self.lines = path, []
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                self.lines = [json.loads(line) for line in f if line.strip()]

    def add(self, line):
        self.lines.append(line)
        if self.path:
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps(line) + "\n")

    def hits(self, kind):
        return sum(line["hits"] for line in self.lines if line["kind"] == kind and line["ok"])

    def visits(self):
        """Deaths at each point."""
        seen = dict.fromkeys(points.all_points(), 0)
        for line in self.lines:
            if line["kind"] in ("point", "founding") and line["ok"]:
                for point, count in line["by"].items():
                    seen[point] += count
        return seen

    def next_seed(self, first):
        return max([first - 1] + [line["seed"] for line in self.lines]) + 1


def report(results):
    kinds = sorted({line["kind"] for line in results.lines})
    for kind in kinds:
        lines = [line for line in results.lines if line["kind"] == kind]
        fine = [line for line in lines if line["ok"]]
        more = {}
        for line in fine:
            # A point has its own table.
            for name, count in {**(line["by"] if kind not in ("point", "founding") else {}),
                                **line.get("more", {})}.items():
                more[name] = more.get(name, 0) + count
        print("%-9s %6d hits in %d batches, %d changes acknowledged, %.0f s, %d batches failed" % (
            kind, results.hits(kind), len(lines), sum(line["saved"] for line in fine),
            sum(line["seconds"] for line in lines), len(lines) - len(fine)))
        for name, count in sorted(more.items()):
            print("            %-28s %d" % (name, count))
    print("deaths at each crash point:")
    for point, count in results.visits().items():
        print("  %-28s %6d  %s" % (point, count, points.UNREACHED.get(point, "")))
    print("kill points in all: %d; power cuts: %d" % (
        results.hits("kill") + sum(results.visits().values()),
        results.hits("cut") + results.hits("birth")))
    for line in results.lines:
        if not line["ok"]:
            print("FAILED %s seed %d: %s" % (line["kind"], line["seed"], line["what"]))


def points_missing(results):
    visits = results.visits()
    for point in points.UNREACHED:
        if visits[point]:
            print("%s is reached now: take it from the list in tests/crash/points.py" % point)
            return [point]
    return [p for p, count in visits.items() if count == 0 and p not in points.UNREACHED]


# -- the campaign ----------------------------------------------------------------------------------

class Campaign:
    def __init__(self, args, results):
        self.args, self.results = args, results
        self.seed = results.next_seed(args.seed)
        self.running, self.lock = {}, threading.Lock()
        self.end = time.monotonic() + args.minutes * 60 if args.minutes else None
        self.failures = 0

    def share(self, kind, target):
        """How much of a kind is done or under way, 1 for all of it."""
        going = sum(hits for k, hits in self.running.values() if k == kind)
        return (self.results.hits(kind) + going) / target if target else 1

    def points_share(self, kind):
        """Of the points that a batch of this kind strikes, the least."""
        founding = {point for _, point, _ in points.FOUNDING}
        visits = self.results.visits()
        wanted = [visits[p] for p in visits if p not in points.UNREACHED
                  and (p in founding and p != "store.commit_before" and p != "store.commit_after"
                       and not p.startswith("store.account")) == (kind == "founding")]
        going = sum(1 for k, _ in self.running.values() if k == kind)
        return (min(wanted) + going) / self.args.points if self.args.points else 1

    def choose(self):
        """The kind that is furthest behind; None when all is done."""
        a = self.args
        shares = {"kill": self.share("kill", a.kills),
                  "cut": self.share("cut", a.cuts - a.cuts // 4),
                  "birth": self.share("birth", a.cuts // 4),
                  "fault": self.share("fault", a.faults), "net": self.share("net", a.storms),
                  "lie": self.share("lie", 1), "point": self.points_share("point"),
                  "founding": self.points_share("founding")}
        kind = min(shares, key=shares.get)
        return kind if shares[kind] < 1 else None

    def hits_for(self, kind):
        wanted = {"kill": self.args.kills, "cut": self.args.cuts - self.args.cuts // 4,
                  "birth": self.args.cuts // 4, "fault": self.args.faults,
                  "net": self.args.storms}.get(kind)
        if wanted is None:
            return BATCH[kind]
        return max(1, min(BATCH[kind], wanted - self.results.hits(kind)))

    def over(self):
        return (self.end and time.monotonic() > self.end) or self.failures >= FAILURES_MAX

    def work(self):
        while not self.over():
            with self.lock:
                kind = self.choose()
                if kind is None:
                    return
                hits, seed = self.hits_for(kind), self.seed
                self.seed += 1
                self.running[seed] = (kind, hits)
            line = self.batch(kind, hits, seed)
            with self.lock:
                del self.running[seed]
                self.results.add(line)
                self.failures += not line["ok"]
                print("%-9s seed %-6d %4d hits %6.1f s  %s" % (
                    kind, seed, line["hits"], line["seconds"], line["what"] or "ok"), flush=True)

    def batch(self, kind, hits, seed):
        words = [sys.executable, os.path.abspath(__file__), "--batch", kind, str(hits), str(seed)]
        proc = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, _ = proc.communicate(timeout=BATCH_SECONDS_MAX)
            line = json.loads(out.strip().splitlines()[-1])
        except (subprocess.TimeoutExpired, ValueError, IndexError):
            line = {"kind": kind, "seed": seed, "ok": False, "seconds": BATCH_SECONDS_MAX,
                    "what": "the batch did not end, or said nothing"}
        finally:
            try:  # it has a group of its own: nothing it started outlives it
                os.killpg(proc.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            proc.wait()
        return {"hits": 0, "saved": 0, "by": {}, **line, "commit": self.args.commit}


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                          capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def run_campaign(args, results):
    campaign = Campaign(args, results)
    workers = [threading.Thread(target=campaign.work) for _ in range(args.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    report(results)
    never = points_missing(results)
    for point in never:
        print("never visited: %s" % point)
    if campaign.choose() is not None:
        print("not finished; the same command goes on")
    bad = campaign.failures + len(never)
    print("%d passed, %d failed" % (len([1 for l in results.lines if l["ok"]]), bad))
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--points", type=int, default=1)
    parser.add_argument("--cuts", type=int, default=30)
    parser.add_argument("--faults", type=int, default=16)
    parser.add_argument("--storms", type=int, default=1)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--results")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--batch", nargs=3, metavar=("KIND", "HITS", "SEED"),
                        help="one batch, here and now; one line of JSON")
    args = parser.parse_args()
    if args.batch:
        return run_batch(args.batch[0], int(args.batch[1]), int(args.batch[2]))
    args.commit = commit()
    path = args.results or (RESULTS if args.minutes or args.report else None)
    results = Results(path)
    if args.report:
        report(results)
        return 0
    return run_campaign(args, results)


if __name__ == "__main__":
    sys.exit(main())
