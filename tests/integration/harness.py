"""Real processes for the end-to-end tests: a server, rooms, and a network that can be cut.

Uses the two programs, files and sockets only; nothing of the C code. Waiting is always for a
condition with a limit, never for an amount of time. ROOMKEEP_BIN names the folder of the programs.
"""
import contextlib
import datetime
import json
import os
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

BIN = os.environ.get("ROOMKEEP_BIN",
                     os.path.join(os.path.dirname(__file__), "../../build/debug/bin"))
ROOMKEEPD = os.path.join(BIN, "roomkeepd")
ROOMKEEP = os.path.join(BIN, "roomkeep")
PASSPHRASE = "quiet harbour boats leave before noon"
WAIT_S = 30


class Failed(Exception):
    """A command that did not exit 0."""

    def __init__(self, args, status, out, err):
        super().__init__("%s: exit %d\n%s\n%s" % (" ".join(args), status, out, err))
        self.status, self.out, self.err = status, out, err
        try:
            self.error = json.loads(err.strip().splitlines()[-1])["error"]
        except (ValueError, IndexError, KeyError):
            self.error = None

    @property
    def code(self):
        return self.error["code"] if self.error else None


def run(args, stdin="", env=None, timeout=120):
    """Runs a command, returns (status, stdout, stderr). `stdin` may be bytes: bad UTF-8, NUL."""
    full = {name: value for name, value in os.environ.items()
            if name not in ("ROOMKEEP_HOME", "ROOMKEEP_DATA")}
    full.update({"LC_ALL": "C.UTF-8", **(env or {})})
    raw = stdin if isinstance(stdin, bytes) else stdin.encode()
    done = subprocess.run(args, input=raw, capture_output=True, env=full, timeout=timeout)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def answer(args, stdin="", timeout=120):
    """Runs a --json command that must succeed and returns its object."""
    status, out, err = run(args, stdin, timeout=timeout)
    if status != 0:
        raise Failed(args, status, out, err)
    return json.loads(out) if out.strip() else None


def day(back):
    """The date of so many days ago: what may not be old must not be written down here."""
    return (datetime.date.today() - datetime.timedelta(days=back)).isoformat()


def until(what, check, limit=WAIT_S):
    """Polls `check` until it is true; fails with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not within %d s: %s" % (limit, what))
        time.sleep(0.02)  # between two looks; the condition decides, not the clock


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """A program that says READY on stdout when it can be used."""

    def __init__(self, args, log, env=None):
        self.args, self.log_path = args, log
        self.log = open(log, "ab")
        self.proc = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=self.log,
                                     env=dict(os.environ, LC_ALL="C.UTF-8", **(env or {})))

    def ready(self):
        end = time.monotonic() + WAIT_S
        line = b""
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.proc.stdout], [], [], left)[0]:
                raise AssertionError("%s did not get READY" % self.args)
            piece = os.read(self.proc.stdout.fileno(), 4096)
            if not piece:
                self._close()
                with open(self.log_path, encoding="utf-8", errors="replace") as f:
                    raise AssertionError("%s ended with %s: %s" % (
                        self.args, self.proc.wait(), f.read()[-2000:]))
            line += piece
        assert line.startswith(b"READY"), line
        return line.decode().split()

    def kill(self):
        self.proc.kill()
        self.proc.wait()
        self._close()

    def stop(self):
        """SIGTERM; returns the exit status."""
        self.proc.send_signal(signal.SIGTERM)
        try:
            return self.proc.wait(WAIT_S)
        finally:
            if self.proc.poll() is None:
                self.proc.kill()
                self.proc.wait()
            self._close()

    def _close(self):
        self.proc.stdout.close()
        self.log.close()

    def running(self):
        if self.proc.poll() is None:
            return True
        self._close()
        return False


class Proxy:
    """A TCP relay that can be cut: new connections refused, live ones dropped. Keeps all it saw."""

    def __init__(self, target):
        self.target, self.up, self.stopped = target, True, False
        self.pairs, self.lock = [], threading.Lock()
        self.seen = {"to the server": bytearray(), "to the room": bytearray()}
        self.port = free_port()
        self.listener = None
        self._listen()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def _listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(16)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            host, port = self.target.rsplit(":", 1)
            try:
                far = socket.create_connection((host, int(port)), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            with self.lock:
                if not self.up:
                    near.close()
                    far.close()
                    continue
                self.pairs.append((near, far))
            for a, b, way in ((near, far, "to the server"), (far, near, "to the room")):
                threading.Thread(target=self._pump, args=(a, b, way), daemon=True).start()

    def _pump(self, a, b, way):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                with self.lock:
                    self.seen[way] += data
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def cut(self):
        with self.lock:
            self.up = False
            pairs, self.pairs = self.pairs, []
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for pair in pairs:
            for s in pair:
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_RDWR)

    def captured(self):
        """Way -> all bytes that went it, in order."""
        with self.lock:
            return {way: bytes(data) for way, data in self.seen.items()}

    def heal(self):
        if self.up:
            return
        self.up = True
        self._listen()


class Room:
    """One room's home folder and its agent."""

    def __init__(self, clinic, name, proxy=None):
        self.clinic, self.name = clinic, name
        self.home = os.path.join(clinic.root, re.sub(r"\W", "", name).lower())
        self.log = self.home + ".log"
        self.proxy = proxy or Proxy(clinic.address)
        self.agent = None

    def args(self, *words):
        return [ROOMKEEP, *words, "--home", self.home, "--json"]

    def call(self, *words, stdin="", timeout=120):
        return answer(self.args(*words), stdin, timeout)

    def refused(self, *words, stdin=""):
        """A call that must fail; returns the Failed."""
        try:
            got = self.call(*words, stdin=stdin)
        except Failed as e:
            return e
        raise AssertionError("%s should have been refused, but: %s" % (words, got))

    def serve(self, *flags, env=None):
        if self.clinic.verbose:
            flags = ("--verbose", *flags)
        self.agent = Process([ROOMKEEP, "serve", "--home", self.home, *flags], self.log, env)
        self.agent.ready()

    def sign_in(self, login, passphrase=PASSPHRASE):
        return self.call("sign-in", login, "--passphrase-file", "-", stdin=passphrase)

    def lock(self):
        return self.call("lock")

    def status(self):
        return self.call("status")

    def sync(self, seconds=WAIT_S):
        return self.call("sync", "--wait", str(seconds), timeout=seconds + 30)

    def wait_link(self, link):
        until("%s is %s" % (self.name, link), lambda: self.status()["link"] == link)

    def pending(self):
        return self.call("list", "pending")["ops"]

    def session(self, session_id):
        return self.call("show", "session", session_id)

    def files(self):
        return all_files(self.home) + [self.log]


class Clinic:
    """A server, founded from Room 1 by Jo Park, with as many further rooms and people as asked.

    The constructor makes the folder and starts nothing: whoever holds the object can close it,
    whatever interrupts init, which does the rest.
    """

    def __init__(self, verbose=False):
        self.verbose = verbose
        self.root = tempfile.mkdtemp(prefix="roomkeep-e2e-")
        self.data = os.path.join(self.root, "server")
        self.kit = os.path.join(self.root, "kit")
        self.log = os.path.join(self.root, "server.log")
        self.server = None
        self.rooms = []

    def init(self):
        init = answer([ROOMKEEPD, "init", "--data", self.data, "--listen",
                       "127.0.0.1:%d" % free_port(), "--json"])
        self.setup_code, self.address = init["setup_code"], init["address"]
        self.start()

    def start(self, env=None):
        flags = ["--verbose"] if self.verbose else []
        self.server = Process([ROOMKEEPD, "serve", "--data", self.data, *flags], self.log, env)
        self.server.ready()

    def found(self):
        room = Room(self, "Room 1")
        answer(room.args("found", self.setup_code, "--server", room.proxy.address, "--clinic",
                         "Harbour Massage", "--owner", "Jo Park", "--login", "jo", "--room",
                         "Room 1", "--passphrase-file", "-", "--kit", self.kit), PASSPHRASE)
        self.rooms.append(room)
        room.serve()
        room.sign_in("jo")
        return room

    def add_room(self, name, kind="treatment"):
        code = self.rooms[0].call("invite", "room", name, "--kind", kind)["join_code"]
        room = Room(self, name)
        answer(room.args("enrol", "-", "--server", room.proxy.address), code)
        self.rooms.append(room)
        room.serve()
        return room

    def add_user(self, name, login, *roles):
        flags = [word for role in roles for word in ("--role", role)]
        return self.rooms[0].call("add", "user", name, "--login", login, *flags,
                                  "--new-passphrase-file", "-", stdin=PASSPHRASE)["user_id"]

    def status(self):
        return answer([ROOMKEEPD, "status", "--data", self.data, "--json"])

    def check(self):
        """The report; raises Failed with status 3 when something does not hold."""
        return answer([ROOMKEEPD, "check", "database", "--data", self.data, "--json"])

    def rows(self):
        """The server's own: (lane, number in it, op id, state) in the order of arrival."""
        path = os.path.join(self.data, "clinic.db")
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
            return [(lane, number, str(uuid.UUID(bytes=op_id)), state)
                    for lane, number, op_id, state in db.execute(
                        "SELECT lane, lane_seq, op_id, state FROM op ORDER BY seq")]

    def close(self):
        for room in self.rooms:
            room.proxy.cut()
            if room.agent is not None and room.agent.running():
                room.agent.kill()
        if self.server is not None and self.server.running():
            self.server.kill()
        reports = self.sanitizer_reports()
        shutil.rmtree(self.root, ignore_errors=True)
        assert not reports, reports

    def sanitizer_reports(self):
        """What a sanitizer's build said in a log; kill -9 leaves no exit code that would tell."""
        reports = []
        for path in [self.log] + [room.log for room in self.rooms]:
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    log = f.read()
                at = re.search(r"(WARNING|ERROR): \w+Sanitizer|: runtime error: ", log)
                if at:
                    reports.append("%s: %s" % (path, log[at.start():at.start() + 6000]))
        return "\n".join(reports)


def all_files(folder):
    return [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names
            if os.path.isfile(os.path.join(at, name))]


class ClinicSteps(unittest.TestCase):
    """What tests do with a clinic: two rooms, Jo (owner, therapist) in Room 1, Mara (therapist) in
    Room 2, Sam at the desk."""

    maxDiff = None

    @staticmethod
    def build(clinic):
        """Returns the two rooms."""
        room1 = clinic.found()
        clinic.add_user("Mara Lind", "mara", "therapist")
        clinic.add_user("Sam Okafor", "sam", "desk")
        room2 = clinic.add_room("Room 2")
        room2.sign_in("mara")
        return room1, room2

    def add_patient(self, room, name="Maya Rowe", born="1988-04-02"):
        return room.call("add", "patient", "--name", name, "--born", born)["patient_id"]

    def start_session(self, room, patient_id):
        return room.call("start", "session", "--patient", patient_id)["session_id"]

    def fill(self, room, session_id):
        """What a session must say before it can be signed: that of a visit for relaxation."""
        room.call("add", "treatment", "--session", session_id, "--region", "neck", "--pressure",
                  "3")
        room.call("set", "session", session_id, "--ends-now", "--consented", "yes",
                  "--no-complaint", "yes", "--health-changed", "no",
                  "--contraindications-considered", "yes", "--draped-as-consented", "yes",
                  "--no-adverse-event", "yes", "--next-as-needed", "yes")

    def wait_text(self, room, session_id, field, text):
        def look():
            try:
                return room.session(session_id).get(field) == text
            except Failed as e:
                if e.status == 66:
                    return False
                raise
        until("%s shows %s" % (room.name, field), look)


class ClinicTest(ClinicSteps):
    """A clinic of its own for every test."""

    verbose = False

    def setUp(self):
        self.clinic = Clinic(self.verbose)
        self.addCleanup(self.clinic.close)
        self.clinic.init()
        self.room1, self.room2 = self.build(self.clinic)


class SharedClinicTest(ClinicSteps):
    """One clinic for all tests of a class, which must leave Jo and Mara signed in and online."""

    @classmethod
    def setUpClass(cls):
        cls.clinic = Clinic()
        cls.addClassCleanup(cls.clinic.close)
        cls.clinic.init()
        cls.room1, cls.room2 = cls.build(cls.clinic)
