#!/usr/bin/env python3
"""./dev bench: starts a server and two rooms of the release build, lets the program `bench`
measure, and prints what it found beside what this machine does by itself.

bench.py [--rounds N] [--no-agents] [--no-charts] [--no-guard] [--no-watch] [--keep]

Everything is in a folder of its own under build/, on the disk that is measured, and is removed at
the end (--keep: left there). The last line of build/bench.jsonl is this run. ROOMKEEP_BIN names the
folder of the programs.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("ROOMKEEP_BIN", os.path.join(ROOT, "build/release/bin"))
sys.path.insert(0, os.path.join(ROOT, "tests/integration"))
import bench_chart  # noqa: E402
import bench_guard  # noqa: E402
import harness  # noqa: E402

BENCH_S_MAX = 300
G3_GOAL = 1.35
G5_GOAL = 1.25
WATCH_PATIENTS = 20000
WATCH_ROUNDS = 5
SPREAD_MAX = 1.3  # between the quartiles of the rounds
NO_DISK = ("tmpfs", "ramfs", "overlay")


def word(args):
    try:
        return subprocess.run(args, cwd=ROOT, capture_output=True, text=True,
                              timeout=10).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def facts(folder):
    commit = word(["git", "rev-parse", "--short=12", "HEAD"]) or "no repository"
    if word(["git", "status", "--porcelain"]):
        commit += " with changes"
    disk = word(["findmnt", "-n", "-o", "FSTYPE,SOURCE,OPTIONS", "--target", folder])
    return {
        "schema": "roomkeep.bench/1",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit,
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "kernel": platform.release(),
        "disk": " ".join(disk.split()),
        "load": os.getloadavg()[0],
    }


class Server:
    def __init__(self, folder, name):
        self.data = os.path.join(folder, name)
        init = harness.answer([harness.ROOMKEEPD, "init", "--data", self.data, "--listen",
                               "127.0.0.1:%d" % harness.free_port(), "--json"])
        self.setup_code, self.address = init["setup_code"], init["address"]
        self.process = harness.Process([harness.ROOMKEEPD, "serve", "--data", self.data],
                                       self.data + ".log")
        self.process.ready()

    def check(self):
        harness.answer([harness.ROOMKEEPD, "check", "database", "--data", self.data, "--json"])


class Agents:
    """Two rooms as people have them: real agents, Jo in one, Mara in the other."""

    def __init__(self, folder):
        self.folder = folder
        self.server = Server(folder, "clinic")
        self.processes = []
        self.call("a", "found", "-", "--server", self.server.address, "--clinic", "Harbour Massage",
                  "--owner", "Jo Park", "--login", "jo", "--room", "Room 1", "--passphrase-file",
                  self.passphrase(), "--kit", os.path.join(folder, "kit"),
                  stdin=self.server.setup_code)
        self.serve("a", "jo")
        self.call("a", "add", "user", "Mara Lind", "--login", "mara", "--role", "therapist",
                  "--new-passphrase-file", self.passphrase())
        code = self.call("a", "invite", "room", "Room 2")["join_code"]
        self.call("b", "enrol", "-", "--server", self.server.address, stdin=code)
        self.serve("b", "mara")
        self.patient_id = self.call("a", "add", "patient", "--name", "Maya Rowe", "--born",
                                    "1988-04-02")["patient_id"]
        self.call("a", "sync", "--wait", "30")

    def passphrase(self):
        path = os.path.join(self.folder, "passphrase")
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
                f.write(harness.PASSPHRASE)
        return path

    def home(self, name):
        return os.path.join(self.folder, name)

    def call(self, name, *words, stdin=""):
        return harness.answer([harness.ROOMKEEP, *words, "--home", self.home(name), "--json"],
                              stdin)

    def serve(self, name, login):
        process = harness.Process([harness.ROOMKEEP, "serve", "--home", self.home(name)],
                                  self.home(name) + ".log")
        self.processes.append(process)
        process.ready()
        self.call(name, "sign-in", login, "--passphrase-file", self.passphrase())

    def words(self):
        # As seen from the folder: a socket's path must be short.
        return ["a/agent.sock", "b/agent.sock", self.patient_id]


def measure(folder, options):
    """Returns what `bench` measured; its server's data must check afterwards."""
    started = []
    try:
        server = Server(folder, "server")
        started.append(server.process)
        words = []
        if not options.no_agents:
            agents = Agents(folder)
            started += [*agents.processes, agents.server.process]
            words = agents.words()
        done = subprocess.run([os.path.join(harness.BIN, "bench"), server.address,
                               str(server.process.proc.pid), str(options.rounds), *words],
                              input=server.setup_code + "\n", capture_output=True, text=True,
                              cwd=folder, timeout=BENCH_S_MAX)
        if done.returncode != 0:
            raise SystemExit("bench ended with %d\n%s" % (done.returncode, done.stderr))
        server.check()
        return {row.pop("name"): row for row in json.loads(done.stdout)}
    finally:
        for process in started:
            if process.running():
                process.stop()


def with_agents(folder, ask):
    """What is asked of a clinic of its own, of two rooms."""
    os.mkdir(folder)
    agents = Agents(folder)
    try:
        return ask(agents)
    finally:
        for process in [*agents.processes, agents.server.process]:
            if process.running():
                process.stop()


def measure_watch(folder):
    """Ten years of a large clinic: its own database, no server."""
    os.mkdir(folder)
    done = subprocess.run([os.path.join(harness.BIN, "bench"), "watch", str(WATCH_PATIENTS),
                           str(WATCH_ROUNDS)], capture_output=True, text=True, cwd=folder,
                          timeout=BENCH_S_MAX)
    if done.returncode != 0:
        raise SystemExit("bench ended with %d\n%s" % (done.returncode, done.stderr))
    row = json.loads(done.stdout)
    row["ratio"] = statistics.median(
        watch / read for watch, read in zip(row["watch_ms"], row["read_ms"]))
    return row


def show_watch(row):
    print()
    print("relationship watch of %d patients with %d sessions: %.0f ms (%s)" % (
        row["patients"], row["sessions"], statistics.median(row["watch_ms"]),
        ", ".join("%d %s" % (n, step) for step, n in row["steps"].items())))
    print("    reading its rows and nothing else: %.0f ms; %.2f of it" % (
        statistics.median(row["read_ms"]), row["ratio"]))


def between_rounds(rows, part, *whole):
    """The ratio in each round, from lower to upper quartile: how far it can be trusted."""
    all_rounds = sorted(
        row / sum(parts) for row, *parts in zip(
            rows[part]["rounds_us"], *(rows[name]["rounds_us"] for name in whole)))
    return [all_rounds[len(all_rounds) // 4], all_rounds[len(all_rounds) * 3 // 4]]


def ratios(rows):
    median = {name: row["median_us"] for name, row in rows.items() if "median_us" in row}
    base = median["tls_echo"] + median["raw_commit_1"]
    rate = {name: row["units_per_s"] for name, row in rows.items() if "median_us" in row}
    return {
        "g3": median["save_to_ack"] / base,
        "g5": median["save_to_other_room"] / median["save_to_ack"],
        "g1_like": rate["save_to_ack_all_rooms"] / rate["raw_commit_64"],
        "g4_like": rows["save_to_ack_all_rooms"]["p99_us"] / median["fdatasync"],
        "base_us": base,
        "g3_rounds": between_rounds(rows, "save_to_ack", "tls_echo", "raw_commit_1"),
        "g5_rounds": between_rounds(rows, "save_to_other_room", "save_to_ack"),
    }


LINES = (
    ("fdatasync", "this disk: 1 KiB appended, fdatasync"),
    ("tls_echo", "bare TLS 1.3 echo of 1 KiB, loopback, two processes"),
    ("raw_commit_1", "raw SQLite, one row of 1 KiB, WAL, synchronous=FULL"),
    ("save_to_ack", "save to durable acknowledgement, one room (G3)"),
    ("save_to_ack_with_reader", "  the same while another room reads along"),
    ("save_to_other_room", "save in one room to Feed in the other (G5)"),
    ("raw_commit_64", "raw SQLite, 64 rows a commit"),
    ("save_to_ack_all_rooms", "62 rooms, one op in flight each (G1-like)"),
    ("agent_save_to_answer", "agent: set session to its answer, saved in this room"),
    ("agent_save_to_committed", "agent: ... to status saying committed"),
    ("agent_save_to_shown_in_other_room", "agent: ... to the other agent showing it"),
)


def verdict(value, goal, spread):
    if spread[1] > SPREAD_MAX * spread[0]:
        return "goal %.2f; no verdict, this machine was too busy" % goal
    return "goal %.2f, %s" % (goal, "met" if value <= goal else "missed")


def show(rows, ratio):
    print("%-55s %10s %10s %7s %10s %10s" % ("microseconds", "median", "p99", "n", "load CPU",
                                             "server CPU"))
    for name, text in LINES:
        if name not in rows:
            print("%-55s not measured" % text)
            continue
        row = rows[name]
        server = "%10.1f" % row["server_cpu_us"] if name.startswith("save") else "%10s" % "-"
        print("%-55s %10.1f %10.1f %7d %10.1f %s" % (
            text, row["median_us"], row["p99_us"], row["n"], row["load_cpu_us"], server))
    if rows["agents_lost"]["n"]:
        print("agents: %d saves were not committed or not shown within 5 s" %
              rows["agents_lost"]["n"])
    print("CPU: of the load generator and of roomkeepd, per sample; per op where many are in one.")
    print()
    print("G3  save to acknowledgement / (TLS echo + raw commit, %.1f us): %.2f   (%s)" % (
        ratio["base_us"], ratio["g3"], verdict(ratio["g3"], G3_GOAL, ratio["g3_rounds"])))
    print("    half of the rounds between %.2f and %.2f" % tuple(ratio["g3_rounds"]))
    print("G5  save to the other room / save to acknowledgement:  %.2f   (%s)" % (
        ratio["g5"], verdict(ratio["g5"], G5_GOAL, ratio["g5_rounds"])))
    print("    half of the rounds between %.2f and %.2f" % tuple(ratio["g5_rounds"]))
    print("G1-like  %.0f durable acknowledged ops/s from 62 rooms; raw SQLite, 64 rows a commit,"
          " %.0f rows/s: %.2f of it" % (rows["save_to_ack_all_rooms"]["units_per_s"],
                                        rows["raw_commit_64"]["units_per_s"], ratio["g1_like"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="after one to warm up")
    parser.add_argument("--no-agents", action="store_true")
    parser.add_argument("--no-charts", action="store_true")
    parser.add_argument("--no-guard", action="store_true")
    parser.add_argument("--no-watch", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    os.makedirs(os.path.join(ROOT, "build"), exist_ok=True)
    folder = tempfile.mkdtemp(prefix="bench-", dir=os.path.join(ROOT, "build"))
    try:
        run = facts(folder)
        print("commit %s, %s" % (run["commit"], run["time"]))
        print("%s, %d CPUs, %d MiB, Linux %s, load %.2f at the start" % (
            run["cpu"], run["cpus"], run["memory_mib"], run["kernel"], run["load"]))
        print("disk: %s" % run["disk"])
        if run["load"] > 0.5:
            print("this machine does other work at the same time: look at the spread of the rounds")
        if run["disk"].split(" ")[0] in NO_DISK:
            print("this is no disk that keeps anything: the figures of flushing mean nothing")
        sys.stdout.flush()
        start = time.monotonic()
        run["measures"] = measure(folder, options)
        run["ratios"] = ratios(run["measures"])
        run["rounds"] = len(run["measures"]["save_to_ack"]["rounds_us"])
        run["seconds"] = round(time.monotonic() - start, 1)
        show(run["measures"], run["ratios"])
        if not options.no_charts:
            charts = os.path.join(folder, "charts")
            run["charts"] = with_agents(charts, lambda a: bench_chart.measure(a, charts))
            bench_chart.show(run["charts"])
        if not options.no_guard:
            run["guard"] = with_agents(os.path.join(folder, "guard"), bench_guard.measure)
            bench_guard.show(run["guard"])
        if not options.no_watch:
            run["watch"] = measure_watch(os.path.join(folder, "watch"))
            show_watch(run["watch"])
        with open(os.path.join(ROOT, "build/bench.jsonl"), "a", encoding="utf-8") as out:
            out.write(json.dumps(run) + "\n")
        print("%d rounds after one to warm up, %.1f s; appended to build/bench.jsonl" % (
            run["rounds"], run["seconds"]))
    finally:
        if options.keep:
            print("left in %s" % folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
