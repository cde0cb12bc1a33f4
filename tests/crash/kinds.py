"""The kinds of campaign. Each is a function of (hits, seed) that makes a clinic, does harm to it
`hits` times and judges it after every time; it returns a Tally or raises (clinic.Lost and others).
"""
import contextlib
import json
import os
import random
import signal
import sys
import time

import powercut
from clinic import NO_ANSWER, Clinic, Died, Load, Lost, Refused, error_lines, killed
from harness import PASSPHRASE, ROOMKEEPD, Failed, answer, free_port, run, until
from nasty import Nasty
from points import FOUNDING, run_founding, run_load_points, run_scenes


class Tally(dict):
    """What a batch did, as it goes into the results file."""

    def __init__(self):
        super().__init__(hits=0, saved=0, by={})

    def hit(self, what, count=1):
        self["hits"] += count
        self["by"][what] = self["by"].get(what, 0) + count

    def also(self, what, count=1):
        """Counted, but not a hit."""
        more = self.setdefault("more", {})
        more[what] = more.get(what, 0) + count


@contextlib.contextmanager
def clinic_of(keep=None):
    """A clinic that is kept under `keep` when something goes wrong with it."""
    clinic = Clinic()
    try:
        clinic.init()
        yield clinic
    except BaseException:
        if keep:
            clinic.keep(keep)
        raise
    finally:
        clinic.close()


# -- kill -9 at random moments ---------------------------------------------------------------------

def run_kills(hits, seed, keep=None, what=("server", "room")):
    rand, tally = random.Random(seed), Tally()
    with clinic_of(keep) as clinic:
        load = Load(clinic, clinic.found_all())
        for _ in range(hits):
            load.grant()
            time.sleep(rand.uniform(0.002, 0.12))  # where the kill falls is what the seed decides
            if rand.choice(what) == "server":
                clinic.server.kill()
                told = load.committed()
                clinic.start()
                clinic.check_server(told)
                tally.hit("server")
            else:
                room = rand.choice(clinic.rooms)
                room.agent.kill()
                room.start_in()
                load.writer_of(room).judge_current()
                tally.hit("room")
        load.finish()
        tally["saved"] = load.saved()
    return tally


# -- named crash points ----------------------------------------------------------------------------

def run_points(hits, seed, keep=None):
    """Every point that load reaches, in turn, until `hits` deaths; then every scene once."""
    rand, tally = random.Random(seed), Tally()
    with clinic_of(keep) as clinic:
        load = Load(clinic, clinic.found_all())
        run_load_points(clinic, load, hits, rand, tally)
        load.grant(0)
        run_scenes(clinic, tally)
        load.finish()
        tally["saved"] = load.saved()
    return tally


def run_foundings(hits, seed, keep=None):
    """Points that are only reached while a clinic comes into being: one new clinic for each."""
    tally = Tally()
    for i in range(hits):
        with clinic_of(keep) as clinic:
            run_founding(clinic, FOUNDING[(seed + i) % len(FOUNDING)], tally)
    return tally


# -- power cuts ------------------------------------------------------------------------------------

class Cutter:
    """Runs one program on a disk that will fail it."""

    def __init__(self, owner, data, rand, mode=powercut.NONE):
        self.owner, self.data, self.rand, self.mode = owner, data, rand, mode
        self.disk = None  # once started

    def start(self, start):
        """`start` starts the program with an environment; it may be cut before it is ready."""
        # At once, or after much has happened; a disk that lies must have told something first.
        countdown = int(2 ** self.rand.uniform(6 if self.mode == powercut.LIE else 1, 9))
        self.disk = powercut.Disk(self.data, self.rand.getrandbits(32), self.mode, countdown)
        start(self.disk.env())


def run_cuts(hits, seed, keep=None, mode=powercut.NONE, what=("server", "room")):
    """The power goes: now for the server, now for a room."""
    rand, tally = random.Random(seed), Tally()
    with clinic_of(keep) as clinic:
        load = Load(clinic, clinic.found_all())
        while tally["hits"] < hits:
            # An idle server checkpoints, and only then is the database itself written to.
            load.grant(0 if rand.random() < 0.25 else 8)
            if rand.choice(what) == "server":
                cut_server(clinic, load, rand, tally, mode)
            else:
                cut_room(rand.choice(clinic.rooms), load, rand, tally, mode)
        load.finish()
        tally["saved"] = load.saved()
    return tally


def count_cut(disk, who, tally):
    cut = disk.was_cut()
    if cut is None:
        raise AssertionError("%s ended, but not by a power cut" % who)
    tally.hit(who)
    tally.also("cut at " + cut["call"])
    tally.also("with unsynced writes", 1 if cut["writes"] else 0)
    for name in ("writes", "sectors_lost", "sectors_kept", "names_undone"):
        tally.also(name, cut[name])


def cut_server(clinic, load, rand, tally, mode):
    clinic.server.kill()  # an arbitrary moment, which loses nothing on a disk that keeps its word
    cutter = Cutter(clinic, clinic.data, rand, mode)
    try:
        cutter.start(clinic.start)
        dies(clinic.server, load)
    except Died:
        pass
    told = load.committed()
    count_cut(cutter.disk, "server", tally)
    clinic.start()
    clinic.check_server(told)


def cut_room(room, load, rand, tally, mode):
    writer = load.writer_of(room)
    room.agent.kill()
    cutter = Cutter(room, room.home, rand, mode)
    try:
        cutter.start(room.start_in)
        dies(room.agent, load)
    except (Died, Refused, *NO_ANSWER):
        until("the room is dead", lambda: not room.agent or not room.agent.running(), limit=20)
    count_cut(cutter.disk, "room", tally)
    room.start_in()
    writer.judge_current()


def dies(proc, load):
    """An idle program has a moment for what it does then; under load it meets its countdown."""
    with contextlib.suppress(AssertionError):
        until("the power goes", lambda: not proc.running(), limit=0.4)
    load.until("the power goes", lambda: not proc.running())
    if not killed(proc):
        raise AssertionError("it ended by itself: %s" % proc.proc.returncode)


# -- power cuts while a clinic comes into being ------------------------------------------------------

def run_births(hits, seed, keep=None):
    """init, found and enrol lose their power: what they said they did is there, and otherwise the
    same command does it the second time. Three cuts for each clinic."""
    rand, tally = random.Random(seed), Tally()
    while tally["hits"] < hits:
        with clinic_of(keep) as clinic:
            birth(clinic, rand, tally)
    return tally


def command_cut(words, stdin, folder, rand, tally, who):
    """Runs a command until its answer was heard; once with a cut. Returns the answer."""
    disk = powercut.Disk(folder, rand.getrandbits(32), countdown=int(2 ** rand.uniform(0, 9)))
    try:
        status, out, err = run(words, stdin, env=disk.env())
        if status != -signal.SIGKILL:
            raise AssertionError("%s: %d, not cut: %s" % (who, status, err))
        count_cut(disk, who, tally)
    finally:
        disk.remove()
    try:
        told = json.loads(out)  # it had come to its end: nobody will call it again
        tally.also(who + " had answered")
        return told
    except ValueError:
        pass
    try:
        return answer(words, stdin)
    except Failed as e:
        if e.code != "joined_already":  # all was done but the answer
            raise
        tally.also(who + " was done")
        return None


def birth(clinic, rand, tally):
    clinic.server.kill()
    clinic.data += "2"
    words = [ROOMKEEPD, "init", "--data", clinic.data, "--listen",
             "127.0.0.1:%d" % free_port(), "--json"]
    init = command_cut(words, "", clinic.data, rand, tally, "init")
    clinic.setup_code, clinic.address = init["setup_code"], init["address"]
    clinic.start()
    one = clinic.room("Room 1", "jo")
    command_cut(clinic.found_words(one), PASSPHRASE, clinic.root, rand, tally, "found")
    clinic.rooms.append(one)
    kit = [os.path.join(clinic.kit, name) for name in os.listdir(clinic.kit)]
    if len(kit) != 3 or min(os.path.getsize(path) for path in kit) < 100:
        raise Lost("the kit is not whole: %s" % kit)
    one.start_in()
    clinic.add_mara()
    two = clinic.room("Room 2", "mara")
    words = two.args("enrol", "-", "--server", two.proxy.address)
    command_cut(words, clinic.invite("Room 2"), two.home, rand, tally, "enrol")
    clinic.rooms.append(two)
    two.start_in()
    load = Load(clinic, clinic.first_patient())
    load.grant()
    load.until("the rooms write", saves_more(load))
    load.finish()


def run_lie(hits, seed, _keep=None):
    """The test of the test: with syncs that make nothing durable, acknowledged changes must be found
    missing within `hits` cuts of the server, and of a room. Raises when nothing was noticed."""
    found = []
    for i, what in enumerate(("server", "room")):
        try:
            run_cuts(hits, seed + i, None, powercut.LIE, (what,))
        except Lost as e:
            found.append("%s: %s" % (what, str(e)[:200]))
            continue
        raise AssertionError("%d cuts of a lying disk, and nothing was missed" % hits)
    tally = Tally()
    tally.hit("noticed", 2)
    tally["found"] = found
    return tally


# -- a disk that says no ---------------------------------------------------------------------------

def run_faults(hits, seed, keep=None):
    """Full, full without warning, read-only, failing fsync: for the server and for a room, while it
    runs and from its start on."""
    rand, tally = random.Random(seed), Tally()
    cases = [(who, fault, when) for fault in powercut.FAULTS for who in ("server", "room")
             for when in ("running", "starting")]
    with clinic_of(keep) as clinic:
        load = Load(clinic, clinic.found_all())
        for i in range(hits):
            who, fault, when = cases[(seed + i) % len(cases)]
            if when == "starting":
                fault_start(clinic, load, who, fault, rand, tally)
            elif who == "server":
                fault_server(clinic, load, fault, rand, tally)
            else:
                fault_room(clinic, load, fault, rand, tally)
            tally.hit("%s %s, %s" % (who, fault, when))
        load.finish()
        tally["saved"] = load.saved()
    return tally


def judge_end(owner, proc, fault, tally):
    """It went by itself: not by a signal, and it said why."""
    status = proc.proc.poll()
    said = error_lines(owner.log)
    if status is None or status <= 0:
        raise AssertionError("%s: ended with %s, which is no clean end: %s" %
                             (fault, status, said))
    if not said:
        raise AssertionError("%s: ended without a word" % fault)
    tally.also("%s ended: exit %d" % (fault, status))


def fault_server(clinic, load, fault, rand, tally):
    clinic.server.kill()
    disk = powercut.Disk(clinic.data, rand.getrandbits(32))
    clinic.start(disk.env())
    load.until("the rooms write", saves_more(load))
    disk.fail(powercut.FAULTS[fault])
    load.until("%s is felt" % fault, lambda: disk.read()["faults"] > 0 or not clinic.server.running())
    if fault in ("full", "full_hidden"):
        # It goes on serving, takes no change, and takes them again once there is space.
        time.sleep(rand.uniform(0.1, 0.5))  # how long the disk stays full is what the seed decides
        told = load.committed()
        if not clinic.server.running():
            judge_end(clinic, clinic.server, "server " + fault, tally)
            clinic.start()
        else:
            tally.also("server %s outlived" % fault)
        disk.heal()
        clinic.check_server(told)
        return
    # A failed flush is never tried again, and without a place to write there is nothing to serve.
    load.until("the server stops", lambda: not clinic.server.running())
    judge_end(clinic, clinic.server, "server " + fault, tally)
    told = load.committed()
    clinic.start()
    clinic.check_server(told)


def saves_more(load):
    before = load.saved()
    return lambda: load.saved() > before + 5


def fault_room(clinic, load, fault, rand, tally):
    room = rand.choice(clinic.rooms)
    writer = load.writer_of(room)
    room.agent.kill()
    disk = powercut.Disk(room.home, rand.getrandbits(32))
    room.start_in(disk.env())
    load.until("the rooms write", saves_more(load))
    writer.refused = None
    disk.fail(powercut.FAULTS[fault])
    load.until("%s is felt" % fault, lambda: disk.read()["faults"] > 0 or not room.agent.running())
    with contextlib.suppress(AssertionError):
        load.until("the room ends", lambda: not room.agent.running(), limit=2)
    if room.agent.running():
        tally.also("room %s outlived" % fault)
        if fault == "sync_fails":
            raise AssertionError("a room went on after a failed fsync")
        room.agent.kill()
    else:
        judge_end(room, room.agent, "room " + fault, tally)
    said = writer.refused
    if said is not None:
        if not said.get("code") or not said.get("message"):
            raise AssertionError("%s: a refusal without words: %s" % (fault, said))
        tally.also("room %s said: %s" % (fault, said["message"]))
    room.start_in()
    writer.judge_current()
    load.until("the rooms write", saves_more(load))


def fault_start(clinic, load, who, fault, rand, tally):
    """The disk is ill before the program starts: it serves, or it ends and says why."""
    room = rand.choice(clinic.rooms)
    owner, folder = (clinic, clinic.data) if who == "server" else (room, room.home)
    disk = powercut.Disk(folder, rand.getrandbits(32), powercut.FAULTS[fault])
    what = "%s %s at start" % (who, fault)
    proc = clinic.server if who == "server" else room.agent
    proc.kill()
    try:
        owner.start(disk.env())
        tally.also(what + " serves")
        if who == "room":
            with contextlib.suppress(Refused, *NO_ANSWER):
                room.enter()
    except Died:
        judge_end(owner, owner.failed, what, tally)
    told = load.committed()
    proc = clinic.server if who == "server" else room.agent
    if proc.running():
        proc.kill()
    if who == "server":
        clinic.start()
        clinic.check_server(told)
    else:
        room.start_in()
        load.writer_of(room).judge_current()


# -- a bad network ---------------------------------------------------------------------------------

def run_nets(hits, seed, keep=None, seconds=6):
    """Two rooms write through bad weather; at the end both and the server agree. A hit is a storm
    of `seconds`."""
    rand, tally = random.Random(seed), Tally()
    with clinic_of(keep) as clinic:
        nets = [Nasty(clinic.address, random.Random(rand.getrandbits(32))) for _ in range(2)]
        load = Load(clinic, clinic.found_all(nets))
        for _ in range(hits):
            for net in nets:
                net.storm()
            for _ in range(seconds * 10):
                load.grant(1)
                time.sleep(0.1)  # the length of the storm is what is asked for
            for net in nets:
                net.calm()
            until("both rooms are online",
                  lambda: all(r.ask("status")["link"] == "online" for r in clinic.rooms), limit=60)
            clinic.check_server(load.committed())
            tally.hit("storm")
        load.finish()
        tally["saved"] = load.saved()
        for net in nets:
            for trick, count in net.counts.items():
                tally.also(trick, count)
    return tally


KINDS = {"birth": run_births, "kill": run_kills, "point": run_points, "founding": run_foundings, "cut": run_cuts,
         "lie": run_lie, "fault": run_faults, "net": run_nets}


def on_signal(_signal, _frame):
    sys.exit(3)


def end_with_us():
    """A worker that is told to stop closes its clinics."""
    signal.signal(signal.SIGTERM, on_signal)
