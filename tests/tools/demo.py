#!/usr/bin/env python3
"""The pretend clinic: the main job, step by step, with real processes and measured times.

  demo.py            shows it, leaves the clinic running, Ctrl-C removes every trace
  demo.py --once     shows it, exits 0 only if every step held, removes every trace
"""
import datetime
import os
import secrets
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
sys.dont_write_bytecode = True
import harness  # noqa: E402
from canary import search  # noqa: E402

HARBOUR = os.path.join(HERE, "..", "data", "harbour")
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, kill, a closed terminal
COLOR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class StepFailed(Exception):
    pass


def paint(code, text):
    return "\033[%sm%s\033[0m" % (code, text) if COLOR else text


def end_children():
    """Kills every program this process started and that still runs, and waits for its end."""
    with open("/proc/self/task/%d/children" % os.getpid()) as f:  # other threads start none
        children = f.read().split()
    for pid in map(int, children):
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # its Popen reaps it


class Demo:
    def __init__(self):
        self.steps = 0
        self.began = time.monotonic()

    def say(self, text, seconds=None):
        self.steps += 1
        took = "" if seconds is None else ("%.0f ms" % (seconds * 1000) if seconds < 1
                                           else "%.1f s" % seconds)
        print("  %s %-74s %s" % (paint("32", "ok"), text, took), flush=True)

    def check(self, held, what):
        if not held:
            raise StepFailed(what)

    def timed(self, text, action):
        began = time.monotonic()
        value = action()
        self.say(text, time.monotonic() - began)
        return value

    @staticmethod
    def head(text):
        print("\n" + paint("1", text), flush=True)

    # ---- the clinic ----------------------------------------------------------------------------

    def found(self):
        self.head("A clinic is founded")
        self.timed("roomkeepd init and serve: an empty clinic, a setup code", self.make_clinic)
        self.room1 = self.timed("Room 1 founds it: all keys are made there; Jo Park is the owner",
                                self.clinic.found)
        self.timed("Mara Lind (therapist) and Sam Okafor (desk) are added in Room 1",
                   self.add_people)
        self.room2 = self.timed("Room 2 joins with a one-time code",
                                lambda: self.clinic.add_room("Room 2"))
        brought = self.timed("40 patients and 300 past sessions are signed and brought in",
                             lambda: self.room1.call("import", HARBOUR, timeout=300))
        self.room1.sync(120)
        self.check(brought["patients"] == 40 and brought["sessions"] == 300, "import: %s" % brought)
        self.timed("Mara signs in at Room 2", lambda: self.room2.sign_in("mara"))
        self.timed("Room 2 has all 40 patients", lambda: harness.until(
            "40 patients in Room 2",
            lambda: len(self.room2.call("list", "patients")["patients"]) == 40))

    def make_clinic(self):
        # No stop comes between the folder and the name that it is removed by.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            self.clinic = harness.Clinic()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.clinic.init()

    def add_people(self):
        self.clinic.add_user("Mara Lind", "mara", "therapist")
        self.clinic.add_user("Sam Okafor", "sam", "desk")

    # ---- what to look for (tests/data/harbour/README.md has the rest) ----------------------------

    def stories(self):
        self.head("Some of its patients")
        of = {p["name"]: p["patient_id"] for p in self.room2.call("list", "patients")["patients"]}
        farid = self.room2.call("show", "progress", "--patient", of["Farid Haddadi"])["series"]
        self.check(any(len(s["visits"]) == 5 for s in farid), "five visits of one test")
        self.say("Farid Haddadi: the same tests at five visits, each better than the last")
        self.couple(of["Daniel Marchetti"], of["Yasmin Marchetti"])
        self.refused_consent(of["Adaeze Nwosu"])
        self.overdue_referral(of["Tomasz Brzeziński"])
        draft = self.room2.call("list", "sessions", "--patient", of["Priya Venkatesan"])["sessions"]
        self.check([d["state"] for d in draft].count("draft") == 1, "one unsigned: %s" % draft)
        self.say("Priya Venkatesan: yesterday's session is not signed yet")
        watch = self.room2.call("list", "watch")["patients"]
        gwen = [p for p in watch if p["patient_id"] == of["Gwendolyn Pryce"]]
        self.check(len(gwen) == 1 and gwen[0]["step"] == "cooling", "who cools: %s" % gwen)
        self.say("Gwendolyn Pryce came every three weeks and stays away for 36 days: cooling")

    def couple(self, husband, wife):
        self.room2.call("add", "family-link", "--patient", husband, "--relative", wife,
                        "--kin", "spouse")
        guard = self.room2.call("show", "patient", husband).get("guard")
        self.check(guard, "a guard at his chart")
        self.say("Daniel and Yasmin Marchetti are a couple: a guard stands at both charts")

    def refused_consent(self, patient):
        self.room2.call("add", "consent", "--patient", patient, "--area", "gluteal",
                        "--purpose-explained", "yes", "--risks-explained", "yes",
                        "--alternatives-explained", "yes", "--may-stop-explained", "yes",
                        "--answer", "no")
        self.say("Adaeze Nwosu was asked and said no to one area")

    def overdue_referral(self, patient):
        def day(ago):
            return (datetime.date.today() - datetime.timedelta(days=ago)).isoformat()

        provider = self.room2.call("add", "provider", "--name", "Dr Ida Quist", "--discipline",
                                   "physician", "--phone", "604-555-0190")["provider_id"]
        referral = self.room2.call(
            "add", "referral", "--patient", patient, "--provider", provider, "--state", "noticed",
            "--noticed-on", day(24), "--ask", "-",
            stdin="His left foot is weaker since this month. Please see him.")["referral_id"]
        for state, ago in (("discussed", 24), ("consented", 24), ("drafted", 23), ("sent", 23)):
            date = "--%s-on" % ("consent" if state == "consented" else state)
            self.room2.call("set", "referral", referral, "--state", state, date, day(ago))
        late = self.room2.call("list", "referrals", "--overdue")["referrals"]
        self.check([r["patient_id"] for r in late] == [patient], "one overdue: %s" % late)
        self.say("Tomasz Brzeziński's letter to Dr Quist has no answer for 23 days: overdue")

    # ---- the main job --------------------------------------------------------------------------

    def session(self):
        self.head("A session in Room 2")
        patient = self.room2.call("list", "patients")["patients"][0]
        self.patient = patient["patient_id"]
        self.session_id = self.room2.call("start", "session", "--patient",
                                          self.patient)["session_id"]
        for phase, value in (("pre", "52"), ("post", "64")):
            self.room2.call("add", "measure", "--session", self.session_id, "--ref", "cx_rot",
                            "--side", "L", "--phase", phase, "--value", value)
        self.say("neck rotation left: 52 degrees before, 64 after")
        text = "Neck stiff since Monday, worse at the desk."
        began = time.monotonic()
        self.room2.call("set", "session", self.session_id, "--subjective", "-", stdin=text)
        self.say("\"%s\" is saved in Room 2" % text, time.monotonic() - began)
        harness.until("Room 1 shows it", lambda: self.shows(self.room1, "subjective", text))
        self.say("Room 1 shows the same words (time from typing, both programs' start-up included)",
                 time.monotonic() - began)

    def shows(self, room, field, text):
        try:
            return room.session(self.session_id).get(field) == text
        except harness.Failed as e:
            if e.status == 66:
                return False
            raise

    def note(self):
        self.head("A confidential note")
        self.canary = "told in confidence " + secrets.token_hex(12)
        self.room2.call("add", "note", "--patient", self.patient, "--session", self.session_id, "-",
                        stdin=self.canary)
        self.room2.sync()
        mine = [n["text"] for n in self.room2.call("list", "notes")["notes"]]
        self.check(mine == [self.canary], "Mara reads her note")
        self.say("Mara reads her note in Room 2")
        self.check(self.room1.call("list", "notes")["notes"] == [], "Jo sees no note")
        self.say("Jo, owner and therapist, sees in Room 1 no note and no sign of one")
        self.search_server()

    def search_server(self):
        hits, size = [], 0
        files = harness.all_files(self.clinic.data) + [self.clinic.log]
        for path in files:
            with open(path, "rb") as f:
                data = f.read()
            size += len(data)
            hits += search(path, data, self.canary)
        self.check(not hits, "the note's text was found: %s" % hits)
        self.say("its text is in none of the server's %d files (%d kB; raw, UTF-16, hex, base64, "
                 "packed)" % (len(files), size // 1000))

    def outage(self):
        self.head("The network goes away")
        began = time.monotonic()
        self.room2.proxy.cut()
        harness.until("Room 2 says offline", lambda: self.room2.status()["link"] == "offline")
        self.say("the cable is pulled; Room 2 says offline", time.monotonic() - began)
        self.room2.call("set", "session", self.session_id, "--plan", "Chin tucks twice a day.")
        self.room2.call("add", "note", "--patient", self.patient, "-", stdin=self.canary + " (2)")
        kept = self.room2.status()["outbox"]["queued"]
        self.check(kept == 2, "2 changes kept, not %d" % kept)
        self.say("Mara works on: %d changes are kept in this room" % kept)
        self.room2.lock()
        self.room2.agent.kill()
        self.room2.serve()
        self.say("she signs out, the machine is switched off and on; nobody is signed in")
        began = time.monotonic()
        self.room2.proxy.heal()
        harness.until("delivered", lambda: self.room2.status()["outbox"]["queued"] == 0)
        harness.until("Room 1 shows the plan",
                      lambda: self.shows(self.room1, "plan", "Chin tucks twice a day."))
        self.say("the cable is back; the room delivers what it cannot read itself",
                 time.monotonic() - began)
        self.search_server()

    def power(self):
        self.head("The server is killed")
        self.clinic.server.kill()
        self.say("kill -9 of the server")
        began = time.monotonic()
        self.clinic.start()
        self.say("started again", time.monotonic() - began)
        report = self.clinic.check()
        self.check(report["ok"], "check database: %s" % report)
        self.say("check database: every op, signature, view and audit entry holds")
        self.room2.sign_in("mara")
        self.check(self.shows(self.room2, "plan", "Chin tucks twice a day."), "the plan is there")
        notes = [n["text"] for n in self.room2.call("list", "notes")["notes"]]
        self.check(sorted(notes) == [self.canary, self.canary + " (2)"], "both notes are there")
        self.say("Mara signs in again: session and both notes are there, once each")
        harness.ClinicSteps.fill(self, self.room2, self.session_id)
        self.room2.call("sign", "session", self.session_id)
        refused = self.room2.refused("set", "session", self.session_id, "--plan", "Something else")
        self.check(refused.code == "session_signed", "a signed session refuses changes")
        self.room2.sync()
        self.say("she signs; a signed session refuses changes")

    def look_around(self):
        print("""
Pretend clinic "Harbour Massage": 3 people, 2 rooms, 40 patients, 300 visits. No real data.
  server   running   %s
  Room 1   online    jo is signed in      %s
  Room 2   online    mara is signed in    %s
Passphrase of every pretend person: %s
Look around in another terminal:
  export PATH=%s:$PATH ROOMKEEP_HOME=%s ROOMKEEP_DATA=%s
  roomkeep status; roomkeep list patients; roomkeep --help; roomkeepd status
Ctrl-C stops the clinic and removes every trace of it.""" % (
            self.clinic.address, self.room1.home, self.room2.home, harness.PASSPHRASE,
            os.path.abspath(harness.BIN), self.room2.home, self.clinic.data), flush=True)

    def run(self, once):
        self.clinic = None
        try:
            self.found()
            self.stories()
            self.session()
            self.note()
            self.outage()
            self.power()
            print("\nAll %d steps held, %.0f s." % (self.steps, time.monotonic() - self.began))
            if once:
                return 0
            self.look_around()
            while self.clinic.server.running():
                time.sleep(0.5)
            print("The server ended by itself; see %s" % self.clinic.log, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nStopped.")
            return 0 if not once else 130
        except (StepFailed, AssertionError, harness.Failed) as e:
            print("  %s %s" % (paint("31", "NOT HELD"), e), file=sys.stderr)
            return 1
        finally:
            for stop in STOPS:  # a second Ctrl-C does not stop the tidying up
                signal.signal(stop, signal.SIG_IGN)
            if self.clinic is not None:
                end_children()  # one that a stop met before it had a name here
                self.clinic.close()


def main():
    flags = set(sys.argv[1:]) - {"--no-browser"}
    if flags - {"--once"}:
        print("demo.py: unknown flag %s; known: --once, --no-browser" % " ".join(flags),
              file=sys.stderr)
        return 64
    for stop in STOPS:
        if signal.getsignal(stop) != signal.SIG_IGN:  # nohup
            signal.signal(stop, signal.default_int_handler)
    return Demo().run("--once" in flags)


if __name__ == "__main__":
    sys.exit(main())
