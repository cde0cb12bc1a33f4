"""A clinic under load for campaigns: two rooms that write all the time, and a ledger outside of all
processes of what each of them said it has saved.

`Lost` is what a campaign looks for: something that was acknowledged is missing, doubled or changed.
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))
import harness  # noqa: E402
from harness import PASSPHRASE, Failed, answer, until  # noqa: E402

MEASURES_PER_SESSION = 30
START_S = 30
# In memory when there is room: a kill needs no disk, and the power cut brings its own.
SHM = "/dev/shm"


class Lost(AssertionError):
    """An acknowledged change is not there, is there twice, or reads differently."""


class Died(Exception):
    """A program ended while it was starting."""


class Refused(Exception):
    """The room answered, and it was not 200."""

    def __init__(self, status, error):
        super().__init__("%d %s" % (status, error))
        self.status, self.error = status, error or {}


class Unix(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def temp_root():
    if os.path.isdir(SHM) and shutil.disk_usage(SHM).free > 512 * 2**20:
        return SHM
    return None


class Room(harness.Room):
    """A room whose verbs are asked over its socket, without a process for each."""

    login = None
    env = None

    def ask(self, verb, timeout=30, **request):
        """OSError or HTTPException: no answer came, the change may be saved or not."""
        conn = Unix(os.path.join(self.home, "agent.sock"), timeout)
        try:
            conn.request("POST", "/1/" + verb, json.dumps(request))
            reply = conn.getresponse()
            status, body = reply.status, reply.read()
        finally:
            conn.close()
        if status != 200:
            error = json.loads(body).get("error")
            if status == 503 and error is None:
                raise ConnectionAbortedError("the room is ending")
            raise Refused(status, error)
        return json.loads(body)

    def start(self, env=None):
        """Died when the program did before it said READY."""
        self.agent = launch(self, [harness.ROOMKEEP, "serve", "--home", self.home], env)

    def enter(self):
        self.ask("sign-in", login=self.login, passphrase=PASSPHRASE)

    def start_in(self, env=None):
        self.start(env)
        self.enter()

    def committed(self):
        return {op["op_id"] for op in self.ask("list/pending")["ops"]
                if op["state"] == "committed"}


NO_ANSWER = (OSError, http.client.HTTPException, ValueError)


def launch(owner, args, env):
    proc = harness.Process(args, owner.log, env)
    try:
        proc.ready()
    except AssertionError as e:
        if proc.running():
            proc.kill()
            raise
        owner.failed = proc
        raise Died(str(e)) from None
    return proc


class Clinic(harness.Clinic):
    """Its folder is where a campaign's folders are, and a program that dies early is a Died."""

    def __init__(self):
        tmp = temp_root()
        before, harness.tempfile.tempdir = harness.tempfile.tempdir, tmp
        try:
            super().__init__()
        finally:
            harness.tempfile.tempdir = before

    def start(self, env=None):
        self.server = launch(self, [harness.ROOMKEEPD, "serve", "--data", self.data], env)

    def room(self, name, login, proxy=None):
        room = Room(self, name, proxy) if proxy else Room(self, name)
        room.login = login
        return room

    def found_words(self, room):
        return room.args("found", self.setup_code, "--server", room.proxy.address, "--clinic",
                         "Harbour Massage", "--owner", "Jo Park", "--login", "jo", "--room",
                         "Room 1", "--passphrase-file", "-", "--kit", self.kit)

    def found_first(self, room):
        answer(self.found_words(room), PASSPHRASE)
        self.rooms.append(room)

    def add_mara(self):
        self.rooms[0].ask("add/user", name="Mara Lind", login="mara", roles=["therapist"],
                          new_passphrase=PASSPHRASE)

    def invite(self, name):
        return self.rooms[0].ask("invite/room", name=name, kind="treatment")["join_code"]

    def found_all(self, proxies=(None, None)):
        """Two rooms, signed in, with one patient that both of them hold."""
        one = self.room("Room 1", "jo", proxies[0])
        self.found_first(one)
        one.start_in()
        self.add_mara()
        two = self.room("Room 2", "mara", proxies[1])
        answer(two.args("enrol", "-", "--server", two.proxy.address), self.invite("Room 2"))
        self.rooms.append(two)
        two.start_in()
        return self.first_patient()

    def first_patient(self):
        one, two = self.rooms
        patient = two.ask("add/patient", name="Maya Rowe", born="1988-04-02")["patient_id"]
        until("Room 1 has the patient",
              lambda: one.ask("find/patient", text="Maya")["patients"])
        return patient

    def server_ops(self):
        """The ids of all ops that the server holds, read beside the running server."""
        path = os.path.join(self.data, "clinic.db")
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True,
                                                timeout=10)) as db:
            rows = [r[0] for r in db.execute("SELECT lower(hex(op_id)) FROM op")]
        if len(rows) != len(set(rows)):
            raise Lost("an op is in the server's log twice")
        return set(rows)

    def check_server(self, committed):
        """After a restart: `check database` finds nothing, and what rooms were told is there."""
        report = self.check()
        if not report["ok"]:
            raise Lost("check database: %s" % report)
        ops = self.server_ops()
        missing = [op for op in committed if op.replace("-", "") not in ops]
        if missing:
            raise Lost("%d of %d ops that the server acknowledged are gone: %s" %
                       (len(missing), len(committed), missing[:5]))

    def keep(self, folder):
        """Saves everything for whoever looks into a failure."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.root, folder, ignore=lambda at, names: [
            n for n in names if not os.path.isfile(os.path.join(at, n))
            and not os.path.isdir(os.path.join(at, n))])


class Writer(threading.Thread):
    """Writes into one room until told to stop, and is the ledger of that room.

    What the room said it has saved is in `accepted`; what was tried and not answered may be there
    or not, and is only in `tried`.
    """

    def __init__(self, room, patient):
        super().__init__(daemon=True)
        self.room, self.patient = room, patient
        self.sessions, self.notes_tried, self.notes = {}, set(), set()
        self.current, self.count, self.saved = None, 0, 0
        self.stopping, self.may_write = threading.Event(), threading.Condition()
        self.granted, self.refused = 0, None

    # -- one change ---------------------------------------------------------------------------

    def begin(self):
        session = self.room.ask("start/session", patient_id=self.patient)["session_id"]
        self.sessions[session] = {"tried": [], "accepted": [], "addenda": [], "signed": False,
                                  "sign_tried": False}
        self.current = session

    def measure(self):
        entry = self.sessions[self.current]
        value = (self.count % 800) / 10
        entry["tried"].append(value)
        self.room.ask("add/measure", session_id=self.current, ref="cx_rot", side="L", phase="pre",
                      value=value)
        entry["accepted"].append(value)

    def note(self):
        text = "%s note %d" % (self.room.name, self.count)
        self.notes_tried.add(text)
        self.room.ask("add/note", patient_id=self.patient, text=text)
        self.notes.add(text)

    def end(self):
        session, self.current = self.current, None
        entry = self.sessions[session]
        entry["sign_tried"] = True
        self.room.ask("sign/session", session_id=session)
        entry["signed"] = True
        text = "%s addendum %d" % (self.room.name, self.count)
        self.room.ask("add/addendum", session_id=session, text=text)
        entry["addenda"].append(text)

    def one(self):
        self.count += 1
        if self.current is None:
            self.begin()
        elif len(self.sessions[self.current]["tried"]) >= MEASURES_PER_SESSION:
            self.end()
        elif self.count % 10 == 0:
            self.note()
        else:
            self.measure()
        self.saved += 1

    def grant(self, changes):
        """So many more changes may be written; 0: no more. Without a bound a clinic would grow all
        the time, and with it the price of every check."""
        with self.may_write:
            self.granted = self.granted + changes if changes else 0
            self.may_write.notify()

    def take(self):
        with self.may_write:
            if self.granted == 0:
                self.may_write.wait(0.1)
            taken = self.granted > 0
            self.granted -= taken
            return taken

    def run(self):
        while not self.stopping.is_set():
            if not self.take():
                continue
            try:
                self.one()
            except (Refused, *NO_ANSWER) as e:
                # It is being started again, or nobody is signed in yet, or its disk is ill.
                self.refused = e.error if isinstance(e, Refused) else self.refused
                self.grant(1)
                time.sleep(0.01)

    def finish(self):
        self.stopping.set()
        self.join(60)

    # -- judging --------------------------------------------------------------------------------

    def judge_session(self, room, session):
        """The writer may be at work meanwhile: what counts as accepted is what was so before, and
        what may be there is what was tried until after."""
        entry = self.sessions[session]
        accepted, addenda, signed = set(entry["accepted"]), list(entry["addenda"]), entry["signed"]
        try:
            shown = room.ask("show/session", session_id=session)
        except Refused as e:
            if e.status != 404:
                raise
            raise Lost("%s: session %s is gone" % (room.name, session)) from None
        measures = shown["measures"]
        if len(measures) != len({m["measure_id"] for m in measures}):
            raise Lost("%s shows a measure of %s twice" % (room.name, session))
        values = sorted(m["value"] for m in measures)
        if len(values) != len(set(values)):
            raise Lost("%s: doubled in %s: %s" % (room.name, session, values))
        lost = sorted(accepted - set(values))
        if lost:
            raise Lost("%s: lost from %s: %s" % (room.name, session, lost))
        if set(values) - set(entry["tried"]):
            raise Lost("%s: %s holds what nobody wrote" % (room.name, session))
        if signed and shown["state"] != "signed":
            raise Lost("%s: %s was signed and is not" % (room.name, session))
        texts = [a["text"] for a in shown["addenda"]]
        for text in addenda:
            if texts.count(text) != 1:
                raise Lost("%s: addendum %r is there %d times" %
                           (room.name, text, texts.count(text)))
        return shown

    def judge_current(self):
        """What was just being written, in this room, after it was started again."""
        session = self.current
        if session is not None:
            self.judge_session(self.room, session)

    def judge_notes(self):
        texts = [n["text"] for n in self.room.ask("list/notes")["notes"]]
        if len(texts) != len(set(texts)):
            raise Lost("%s: a note is there twice" % self.room.name)
        if self.notes - set(texts):
            raise Lost("%s: notes are lost: %s" % (self.room.name, sorted(self.notes - set(texts))))
        if set(texts) - self.notes_tried:
            raise Lost("%s: notes that nobody wrote" % self.room.name)


class Load:
    """Two writers on a clinic, and the comparison of everything at the end."""

    def __init__(self, clinic, patient):
        self.clinic = clinic
        self.writers = [Writer(room, patient) for room in clinic.rooms]
        for w in self.writers:
            w.start()

    def grant(self, changes=8):
        for w in self.writers:
            w.grant(changes)

    def until(self, what, check, limit=60):
        """Waits with writers that never run dry."""
        def look():
            if check():
                return True
            for w in self.writers:
                if w.granted < 2:
                    w.grant(2)
            return False
        until(what, look, limit)

    def writer_of(self, room):
        return next(w for w in self.writers if w.room is room)

    def saved(self):
        return sum(w.saved for w in self.writers)

    def committed(self):
        """What the server acknowledged so far, as the rooms have it on record."""
        told = set()
        for room in self.clinic.rooms:
            with contextlib.suppress(Refused, *NO_ANSWER):
                told |= room.committed()
        return told

    def finish(self, limit=90):
        """Stops writing, lets everything arrive, and compares rooms, ledger and server."""
        for w in self.writers:
            w.finish()
        for room in self.clinic.rooms:
            room.ask("sync", timeout=limit + 30, wait_s=limit)
        for w in self.writers:
            w.judge_notes()
            for session in w.sessions:
                shown = w.judge_session(w.room, session)
                for other in self.clinic.rooms:
                    if other is not w.room:
                        self.judge_equal(other, session, shown)
        self.clinic.check_server(self.committed())

    @staticmethod
    def judge_equal(room, session, shown):
        def digest(s):
            s = {k: v for k, v in s.items() if k != "partial"}
            return json.dumps(s, sort_keys=True)

        def look():
            try:
                return digest(room.ask("show/session", session_id=session)) == digest(shown)
            except Refused as e:
                if e.status == 404:
                    return False
                raise
        try:
            until("equal", look, limit=20)
        except AssertionError:
            raise Lost("%s shows %s differently: %s\n%s" % (
                room.name, session, room.ask("show/session", session_id=session), shown)) from None


def killed(proc):
    """Did it die by SIGKILL, which is how a crash point and a cut end it?"""
    return proc.proc.poll() == -signal.SIGKILL


def error_lines(path):
    """What a program said last."""
    with open(path, encoding="utf-8", errors="replace") as f:
        return [line for line in re.split(r"\n", f.read()) if line][-5:]
