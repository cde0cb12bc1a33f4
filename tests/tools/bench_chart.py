"""The part of ./dev bench about reading (G10): a chart with 1,000 sessions, a patient among 20,000.

A clinic is made and brought in as CSV by Room 1; Room 2, another therapist's, opens the chart: for
the first time, when the server is asked for what is not here, then again. Each request is asked of
the room's local API, as the page and the command line do; no program is started for it.
"""
import csv
import datetime
import http.client
import json
import os
import random
import socket
import statistics
import time

import harness

PATIENTS = 20000
SESSIONS = 1000
REFS = (("cx_rot", "L"), ("cx_rot", "R"), ("nprs", ""))
RANGE = (40, 80)  # degrees
SCALE = (1, 9)
REPEATS = 15
IMPORT_S = 300
GOALS_MS = {"chart_cold": 200, "chart_warm": 30, "find_patient": 20}
LINES = (
    ("chart_cold", "open a chart with 1,000 sessions: first time in this room"),
    ("chart_warm", "  again"),
    ("whole_cold", "  all its sessions in one list: first time"),
    ("progress", "  its progress: 3 tests at 1,000 visits"),
    ("find_patient", "find among 20,000 patients by two letters"),
)


class Door(http.client.HTTPConnection):
    """The local API of a room, on its Unix socket."""

    def __init__(self, home):
        super().__init__("localhost", timeout=120)
        self.path = os.path.join(home, "agent.sock")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        folder = os.open(os.path.dirname(self.path), os.O_RDONLY)  # a socket's path must be short
        try:
            self.sock.connect("/proc/self/fd/%d/agent.sock" % folder)
        finally:
            os.close(folder)

    def ask(self, verb, **request):
        self.request("POST", "/1/" + verb, json.dumps(request),
                     {"Content-Type": "application/json"})
        reply = self.getresponse()
        answer = json.loads(reply.read())
        if reply.status != 200:
            raise SystemExit("bench: %s: %s" % (verb, answer))
        return answer


def write_csv(folder, name, columns, rows):
    with open(os.path.join(folder, name), "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(columns)
        out.writerows(rows)


def word(draw):
    return "".join(draw.choice("abdefgiklmnoprstu") for _ in range(7)).capitalize()


def patient_row(draw, i):
    born = datetime.date(1940, 1, 1) + datetime.timedelta(days=i)
    return "p%05d" % i, "%s %s" % (word(draw), word(draw)), "", born.isoformat(), "", "", ""


def session_row(i):
    return ("s%04d" % i, "p00000", "jo", "Room 1", SESSIONS - i, "09:00", "60",
            "Neck stiff since Monday, worse at the desk.", "Upper trapezius tight left.",
            "Signs consistent with a postural strain.", "Chin tucks twice a day.", "yes")


def measure_rows(draw, i):
    return [("s%04d" % i, phase, ref, side, draw.randint(*(RANGE if side else SCALE)), "")
            for phase in ("pre", "post") for ref, side in REFS]


def make_clinic(folder):
    """One patient with a long history among many; the same each time."""
    draw = random.Random(10)
    os.mkdir(folder)
    write_csv(folder, "rooms.csv", ("name", "kind"),
              (("Room 1", "treatment"), ("Room 2", "treatment")))
    write_csv(folder, "staff.csv", ("login", "name", "roles"),
              (("jo", "Jo Park", "owner therapist"), ("mara", "Mara Lind", "therapist")))
    write_csv(folder, "patients.csv",
              ("ref", "name", "name_used", "born", "phone", "email", "household"),
              (patient_row(draw, i) for i in range(PATIENTS)))
    write_csv(folder, "sessions.csv",
              ("ref", "patient_ref", "staff_login", "room", "days_ago", "start_hhmm", "minutes",
               "subjective", "objective", "assessment", "plan", "signed"),
              map(session_row, range(SESSIONS)))
    write_csv(folder, "measures.csv", ("session_ref", "phase", "ref", "side", "value", "result"),
              (row for i in range(SESSIONS) for row in measure_rows(draw, i)))


def ms_of(action):
    began = time.monotonic()
    action()
    return (time.monotonic() - began) * 1000


def open_chart(door, patient_id):
    """What a therapist's screen asks for when a chart is opened."""
    door.ask("show/patient", patient_id=patient_id)
    door.ask("show/card", patient_id=patient_id)
    listed = door.ask("list/sessions", patient_id=patient_id)
    sessions = listed["sessions"]
    if len(sessions) + listed["more"] != SESSIONS:
        raise SystemExit("bench: %d sessions and %d more, not %d"
                         % (len(sessions), listed["more"], SESSIONS))
    door.ask("show/session", session_id=sessions[0]["session_id"])


def measure(agents, folder):
    """agents: of bench.py. Returns rows of milliseconds."""
    clinic = os.path.join(folder, "long")
    make_clinic(clinic)
    began = time.monotonic()
    harness.answer([harness.ROOMKEEP, "import", clinic, "--home", agents.home("a"), "--json"],
                   timeout=IMPORT_S)
    agents.call("a", "sync", "--wait", "600")
    rows = {"import": {"ms": [(time.monotonic() - began) * 1000]}}
    door = Door(agents.home("b"))
    harness.until("all patients in Room 2",
                  lambda: len(door.ask("list/patients")["patients"]) > PATIENTS, 300)
    found = door.ask("find/patient", text="1940-01-01")["patients"]
    patient_id = found[0]["patient_id"]
    rows["chart_cold"] = {"ms": [ms_of(lambda: open_chart(door, patient_id))]}
    rows["chart_warm"] = {"ms": [ms_of(lambda: open_chart(door, patient_id))
                                 for _ in range(REPEATS)]}
    rows["whole_cold"] = {"ms": [ms_of(lambda: door.ask("list/sessions", patient_id=patient_id,
                                                        all=True))]}
    rows["progress"] = {"ms": [ms_of(lambda: door.ask("show/progress", patient_id=patient_id))
                               for _ in range(REPEATS)]}
    rows["find_patient"] = {"ms": [ms_of(lambda: door.ask("find/patient", text=text))
                                   for text in ("ab", "de", "fg", "ik", "lm") * 3]}
    for row in rows.values():
        row["median_ms"] = statistics.median(row["ms"])
    return rows


def show(rows):
    print()
    print("%-62s %10s %6s   G10" % ("milliseconds at the room's local API", "median", "n"))
    for name, text in LINES:
        row = rows[name]
        goal = GOALS_MS.get(name)
        says = "" if goal is None else "goal %d, %s" % (
            goal, "met" if row["median_ms"] <= goal else "missed")
        print("%-62s %10.1f %6d   %s" % (text, row["median_ms"], len(row["ms"]), says))
    print("%d patients, %d sessions and their measures brought in, signed and acknowledged: %.1f s"
          % (PATIENTS, SESSIONS, rows["import"]["median_ms"] / 1000))
