"""The part of ./dev bench about the guard of relatives (DOMAIN 4.8): does the time of an answer
tell who has a relative here, when the answer itself may not?

Three patients alike in a room where the desk is signed in; one of them has a relative, which the
desk may not know. Reads of the three come by turns, in an order that is drawn anew for each turn.
Of each turn it is noted which answer took longer: without a leak the linked one does in half of
the turns, as one twin against the other. The last row is the test of the test: the same read in the
other room by who may know of the relative, and is told.
"""
import json
import random
import statistics
import time

from bench_chart import Door

TURNS = 1000
WARM_UP = 50
READS = ("show/patient", "show/comfort", "list/desk-family-links", "list/sharing-grants")
TOLD = READS[0] + ", who may know"
LINKED, TWIN, OTHER = range(3)
NAMES = ("Maya Rowe", "Nora Rowe", "Rosa Rowe")
SIGMAS = 3  # as far as chance goes in all but 3 of 1,000 runs


def add_patients(agents):
    ids = [agents.call("a", "add", "patient", "--name", name, "--born", "1988-04-02")["patient_id"]
           for name in (*NAMES, "Ben Holt")]
    agents.call("a", "add", "family-link", "--patient", ids[LINKED], "--relative", ids[-1], "--kin",
                "spouse")
    return ids[:-1]


def desk_signs_in(agents):
    agents.call("a", "add", "user", "Sam Okafor", "--login", "sam", "--role", "desk",
                "--new-passphrase-file", agents.passphrase())
    agents.call("a", "sync", "--wait", "30")
    agents.call("b", "sync", "--wait", "30")
    agents.call("b", "lock")
    agents.call("b", "sign-in", "sam", "--passphrase-file", agents.passphrase())
    agents.call("b", "sync", "--wait", "30")


def timed(door, verb, patient_id):
    body = json.dumps({"patient_id": patient_id})
    began = time.perf_counter_ns()
    door.request("POST", "/1/" + verb, body, {"Content-Type": "application/json"})
    reply = door.getresponse()
    answer = reply.read()
    took = time.perf_counter_ns() - began
    if reply.status != 200:
        raise SystemExit("bench: %s: %s" % (verb, answer))
    return took / 1000


def turns(door, verb, ids, draw):
    """Microseconds of each turn, by patient."""
    rows = []
    order = list(range(len(ids)))
    for _ in range(WARM_UP + TURNS):
        draw.shuffle(order)
        row = [0.0] * len(ids)
        for i in order:
            row[i] = timed(door, verb, ids[i])
        rows.append(row)
    return rows[WARM_UP:]


def longer(rows, a, b):
    """The share of turns in which `a` took longer than `b`."""
    return sum(row[a] > row[b] for row in rows) / len(rows)


def summed_up(rows):
    return {"median_us": [statistics.median(row[i] for row in rows) for i in (LINKED, TWIN, OTHER)],
            "linked_longer": longer(rows, LINKED, TWIN), "twin_longer": longer(rows, OTHER, TWIN),
            "turns": len(rows)}


def measure(agents):
    """agents: of bench.py, Jo the owner in room a. A row for each read."""
    draw = random.Random(48)
    ids = add_patients(agents)
    desk_signs_in(agents)
    door = Door(agents.home("b"))
    out = {verb: summed_up(turns(door, verb, ids, draw)) for verb in READS}
    out[TOLD] = summed_up(turns(Door(agents.home("a")), READS[0], ids, draw))
    return out


def verdict(verb, seen):
    if verb == TOLD:
        return "seen, as it must be" if seen else "NOT seen: this run proves nothing"
    return "NOT by chance" if seen else "within chance"


def show(out):
    chance = SIGMAS * 0.5 / TURNS ** 0.5
    print()
    print("%-32s %10s %10s %8s %8s" % ("a relative the desk may not know", "linked us", "twin us",
                                       "longer", "twins"))
    for verb, row in out.items():
        says = verdict(verb, abs(row["linked_longer"] - 0.5) > chance)
        print("%-32s %10.1f %10.1f %8.3f %8.3f   %s" % (
            verb, *row["median_us"][:2], row["linked_longer"], row["twin_longer"], says))
    print("longer: the share of %d turns in which the linked answer took longer; twins: the same of"
          " two without a relative;" % TURNS)
    print("chance alone keeps it within 0.5 +/- %.3f" % chance)
