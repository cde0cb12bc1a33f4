"""A clinic's beginning, its people, rooms and doors, seen from outside with only the contract:
codes, kit, sign-in, throttling, blocking, homes, file modes, and checks of the database."""
import hashlib
import json
import os
import pty
import re
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import unittest

from harness import (Clinic, ClinicSteps, PASSPHRASE, Process, ROOMKEEP, ROOMKEEPD, Room,
                     SharedClinicTest, WAIT_S, all_files, answer, free_port, run, until)
from test_cli import CliCase, UUID

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def typo(code):
    """The code with its fifth last letter changed to another that codes use."""
    at = [i for i, c in enumerate(code) if c != "-"][-5]
    other = LETTERS[(LETTERS.index(code[at]) + 1) % 32]
    return code[:at] + other + code[at + 1:]


def read(path):
    with open(path) as f:
        return f.read()


class Founding(CliCase, unittest.TestCase):
    """From an empty folder to a clinic with an owner."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="roomkeep-found-")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.data = os.path.join(self.root, "server")
        self.kit = os.path.join(self.root, "kit")
        self.servers = []
        self.addCleanup(lambda: [s.kill() for s in self.servers if s.running()])

    def init(self, *flags, data=None):
        return answer([ROOMKEEPD, "init", "--data", data or self.data, "--json", *flags])

    def serve(self, data=None):
        data = data or self.data
        self.servers.append(Process([ROOMKEEPD, "serve", "--data", data], data + ".log"))
        return self.servers[-1].ready()

    def found(self, code, home="room1", **changed):
        flags = {"clinic": "Harbour Massage", "owner": "Jo Park", "login": "jo", "room": "Room 1",
                 "kit": self.kit, "passphrase-file": "-", **changed}
        words = [w for name, value in flags.items() for w in ("--" + name, value)]
        return [ROOMKEEP, "found", code, *words, "--home", os.path.join(self.root, home), "--json"]

    def test_init(self):
        first = self.init("--listen", "127.0.0.1:%d" % free_port())
        self.assertEqual(first["schema"], "roomkeep.init/1")
        self.assertRegex(first["setup_code"],
                         r"^([0-9A-HJKMNP-TV-Z]{4}-){13}[0-9A-HJKMNP-TV-Z]{2}$")
        self.assertRegex(first["address"], r"^127\.0\.0\.1:\d+$")
        self.check_fault([ROOMKEEPD, "init", "--data", self.data, "--json"], 1, code="exists",
                         says="--renew-code")
        again = self.init("--renew-code")
        self.assertNotEqual(again["setup_code"], first["setup_code"])
        self.assertEqual(again["address"], first["address"])
        # The second half of the code is the server's key, which stays.
        self.assertEqual(re.sub("-", "", again["setup_code"])[26:52],
                         re.sub("-", "", first["setup_code"])[26:52])
        status = answer([ROOMKEEPD, "status", "--data", self.data, "--json"])
        self.assertEqual((status["state"], status["rooms"]), ("stopped", []))
        self.assertEqual(self.serve(), ["READY", first["address"]])
        status = answer([ROOMKEEPD, "status", "--data", self.data, "--json"])
        self.assertEqual((status["state"], status["rooms"]), ("unfounded", []))
        third = self.init("--renew-code")  # also while it serves
        for code in (first, again):
            self.check_fault(self.found(code["setup_code"], server=first["address"]), 77,
                             PASSPHRASE)
        self.assertNotIn(third["setup_code"], read(self.data + ".log"))
        for path in all_files(self.data):
            with open(path, "rb") as f:
                self.assertNotIn(third["setup_code"].encode(), f.read(), path)

    def test_init_without_a_folder(self):
        missing = os.path.join(self.root, "not", "here")
        self.check_fault([ROOMKEEPD, "init", "--data", missing, "--json"], 66)
        self.check_fault([ROOMKEEPD, "init", "--renew-code", "--data", self.data, "--json"], 66)
        self.check_fault([ROOMKEEPD, "init", "--data", self.data, "--listen", "x", "--json"], 64)
        self.assertEqual(os.listdir(self.root), [])

    def test_found(self):
        init = self.init("--listen", "127.0.0.1:%d" % free_port())
        code, address = init["setup_code"], init["address"]
        self.check_fault(self.found(code, server=address), 69, PASSPHRASE)
        self.serve()
        # What is wrong here is seen before the code is used up.
        for status, stdin, changed in (
                (65, PASSPHRASE, {"code": typo(code)}), (65, PASSPHRASE, {"code": code[:-3]}),
                (65, PASSPHRASE, {"code": code + "0000"}), (65, PASSPHRASE, {"code": ""}),
                (65, "", {}), (65, "short", {}), (65, "14 characters.", {}),
                (65, "passwordpassword", {}), (65, "aaaaaaaaaaaaaaaaaaaa", {}),
                (65, "Harbour Massage", {}), (65, "harbour massage", {}),
                (65, "x" * 1025, {}), (65, b"bad \xff passphrase bytes", {}),
                (65, PASSPHRASE, {"login": "Jo Park"}), (65, PASSPHRASE, {"login": ""}),
                (65, PASSPHRASE, {"owner": ""}), (65, PASSPHRASE, {"clinic": "C" * 201}),
                (65, PASSPHRASE, {"room": "two\nlines"}),
                (64, PASSPHRASE, {"server": "nowhere"}), (64, PASSPHRASE, {"server": "127.0.0.1"}),
                (69, PASSPHRASE, {"server": "127.0.0.1:%d" % free_port()}),
                (64, PASSPHRASE, {"kit": os.path.join(self.root, "room1")}),
                (64, PASSPHRASE, {"kit": os.path.join(self.root, "room1", "kit")}),
                (64, PASSPHRASE, {"kit": os.path.join(self.root, "room1", "..", "room1", "k")})):
            args = {"server": address, **changed}
            used = args.pop("code", code)
            self.check_fault(self.found(used, **args), status, stdin)
        self.refuse_nothing_made(code)
        self.assertEqual(answer([ROOMKEEPD, "status", "--data", self.data, "--json"])["state"],
                         "unfounded")
        if os.path.exists(self.kit):
            self.assertEqual(os.listdir(self.kit), [])

        # Case, spaces and dashes do not matter; the code comes from a file, one newline dropped.
        with open(os.path.join(self.root, "code"), "w") as f:
            f.write(code.lower().replace("-", " ") + "\n")
        done = answer(self.found("@" + os.path.join(self.root, "code"), server=address),
                      PASSPHRASE + "\n")
        self.assertEqual(done["schema"], "roomkeep.found/1")
        self.check_kit(done)
        self.check_founded(code, address)

    def refuse_nothing_made(self, code):
        """A call that cannot be right leaves no folder behind."""
        for changed in ({"server": "nowhere"}, {"server": "127.0.0.1:0x1"}, {"login": "no!"},
                        {"kit": self.root + "/never"}, {"kit": self.root + "/never/kit/"}):
            args = {"server": "127.0.0.1:1", "kit": self.root + "/never-kit", **changed}
            got = run(self.found(code, "never", **args), PASSPHRASE)[0]
            self.assertIn(got, (64, 65))
        self.assertEqual([n for n in os.listdir(self.root) if n.startswith("never")], [])

    def check_kit(self, done):
        """One page per holder: text and QR, for nobody else's eyes."""
        files = sorted(os.listdir(self.kit))
        self.assertEqual(len(files), 3)
        self.assertEqual(stat.S_IMODE(os.stat(self.kit).st_mode), 0o700)
        pages = []
        for name in files:
            path = os.path.join(self.kit, name)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            page = read(path)
            self.assertIn("recovery share:", page)
            self.assertIn("Harbour Massage", page)
            self.assertGreaterEqual(page.count("<svg"), 4)
            self.assertNotIn("http://", page.replace("http://www.w3.org", ""))
            pages.append(page)
        self.assertEqual(len(set(pages)), 3)
        self.assertEqual(sorted(done["kit_files"]), [os.path.join(self.kit, f) for f in files])

    def check_founded(self, code, address):
        self.check_fault(self.found(code, server=address), 1, PASSPHRASE, code="joined_already")
        self.check_fault(self.found(code, "other", server=address, kit=self.root + "/kit2"), 77,
                         PASSPHRASE)
        self.check_fault([ROOMKEEPD, "init", "--renew-code", "--data", self.data, "--json"], 1)
        status = answer([ROOMKEEPD, "status", "--data", self.data, "--json"])
        self.assertEqual((status["state"], status["rooms"]),
                         ("running", [{"name": "Room 1", "state": "offline"}]))
        self.assertRegex(status["epoch"], UUID)
        home = os.path.join(self.root, "room1")
        self.check_fault([ROOMKEEP, "enrol", "-", "--server", address, "--home", home, "--json"],
                         65, "nonsense")
        for path in [home] + all_files(home):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o077, 0, path)

    def test_a_wrong_setup_code_burns_the_right_one(self):
        init = self.init("--listen", "127.0.0.1:%d" % free_port())
        self.serve()
        renewed = self.init("--renew-code")
        address = init["address"]
        self.check_fault(self.found(init["setup_code"], server=address), 77, PASSPHRASE)
        self.check_fault(self.found(renewed["setup_code"], server=address), 77, PASSPHRASE)
        self.assertFalse(os.path.exists(self.kit) and os.listdir(self.kit))
        last = self.init("--renew-code")
        answer(self.found(last["setup_code"], server=address), PASSPHRASE)

    def test_another_server_than_the_one_that_printed_the_code(self):
        init = self.init("--listen", "127.0.0.1:%d" % free_port())
        self.serve()
        other = self.init("--listen", "127.0.0.1:%d" % free_port(), data=self.root + "/other")
        self.serve(self.root + "/other")
        self.check_fault(self.found(init["setup_code"], server=other["address"]), 77, PASSPHRASE,
                         code="foreign_server")
        # Nothing was sent, so the code is still good.
        answer(self.found(init["setup_code"], server=init["address"]), PASSPHRASE)

    def test_an_expired_setup_code(self):
        init = self.init("--listen", "127.0.0.1:%d" % free_port())
        with sqlite3.connect(os.path.join(self.data, "clinic.db")) as db:
            db.execute("UPDATE setup SET expires_ms = 1")
        db.close()
        self.serve()
        self.check_fault(self.found(init["setup_code"], server=init["address"]), 77, PASSPHRASE)
        renewed = self.init("--renew-code")
        answer(self.found(renewed["setup_code"], server=init["address"]), PASSPHRASE)

    def test_homes_with_long_names(self):
        """A socket's path holds 107 bytes; a home's and a data folder's may be longer."""
        deep = os.path.join(self.root, *["folder with a long name %02d" % i for i in range(8)])
        os.makedirs(deep)
        self.assertGreater(len(deep), 200)
        self.data = os.path.join(deep, "server")
        init = self.init("--listen", "127.0.0.1:%d" % free_port())
        self.serve()
        self.assertEqual(answer([ROOMKEEPD, "status", "--data", self.data, "--json"])["state"],
                         "unfounded")
        home = os.path.join(deep, "room é")
        args = self.found(init["setup_code"], server=init["address"])
        args[args.index("--home") + 1] = home
        answer(args, PASSPHRASE)
        agent = Process([ROOMKEEP, "serve", "--home", home], self.root + "/agent.log")
        self.addCleanup(lambda: agent.running() and agent.kill())
        agent.ready()
        answer([ROOMKEEP, "sign-in", "jo", "--passphrase-file", "-", "--home", home, "--json"],
               PASSPHRASE)
        until("online", lambda: answer([ROOMKEEP, "status", "--home", home, "--json"])["link"]
              == "online")
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(home, "agent.sock")).st_mode), 0o600)
        # A relative home counts from where one stands; so does the agent's own.
        there = os.getcwd()
        os.chdir(deep)
        self.addCleanup(os.chdir, there)
        self.assertEqual(answer([ROOMKEEP, "status", "--home", "room é", "--json"])["user"], "jo")
        self.assertEqual(agent.stop(), 0)


class Doors(CliCase, ClinicSteps):
    """Enrolling, inviting, retiring, and what stands in the way."""

    @classmethod
    def setUpClass(cls):
        cls.clinic = Clinic()
        cls.addClassCleanup(cls.clinic.close)
        cls.clinic.init()
        cls.room1 = cls.clinic.found()

    def enrol(self, code, name):
        room = Room(self.clinic, name)
        return room, room.args("enrol", "-", "--server", self.clinic.address)

    def invite(self, name, *flags):
        return self.room1.call("invite", "room", name, *flags)["join_code"]

    def states(self):
        return {r["name"]: r["state"] for r in self.room1.call("list", "rooms")["rooms"]}

    def test_a_room_joins_once(self):
        code = self.invite("Joins")
        self.assertRegex(code, r"^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$")
        self.assertEqual(self.states()["Joins"], "invited")
        room, args = self.enrol(code, "Joins")
        self.check_fault(args, 65, typo(code))
        self.check_fault(args, 65, code[:-5])
        self.check_fault(room.args("enrol", code, "--server", "nowhere"), 64)
        self.check_fault(room.args("enrol", code, "--server", "127.0.0.1:%d" % free_port()), 69)
        done = answer(args, code.lower().replace("-", "") + "\n")
        self.assertEqual((done["schema"], done["room"]), ("roomkeep.enrolled/1", "Joins"))
        self.check_fault(args, 1, code, code="joined_already")
        self.check_fault(args, 1, self.invite("Again"), code="joined_already")
        self.assertEqual(self.states()["Joins"], "offline")
        again, args = self.enrol(code, "Joins too")
        self.check_fault(args, 77, code)
        self.refuse(self.room1, "invite", "room", "Joins", status=1, code="name_taken")
        self.refuse(self.room1, "invite", "room", "", status=65)
        self.refuse(self.room1, "invite", "room", "R" * 201, status=65)
        self.assertEqual({r["kind"] for r in self.room1.call("list", "rooms")["rooms"]
                          if r["name"] == "Joins"}, {"treatment"})

    def test_a_wrong_code(self):
        """A join code that names no invitation, or one that ran out, opens nothing."""
        code = self.invite("Late")
        _, args = self.enrol(code, "Late")
        other = Clinic()
        self.addCleanup(other.close)
        other.init()
        foreign = other.found().call("invite", "room", "X")["join_code"]
        self.check_fault(args, 77, foreign)
        self.assertEqual(self.clinic.server.stop(), 0)
        with sqlite3.connect(os.path.join(self.clinic.data, "clinic.db")) as db:
            db.execute("UPDATE invite SET expires_ms = 1 WHERE name = 'Late'")
        db.close()
        self.clinic.start()
        self.check_fault(args, 77, code)
        self.room1.wait_link("online")
        until("signed in again", lambda: run(self.room1.args("list", "rooms"))[0] == 0)

    def test_a_desk_room(self):
        code = self.invite("Front", "--kind", "desk")
        _, args = self.enrol(code, "Front")
        self.assertEqual(answer(args, code)["kind"], "desk")

    def test_a_retired_room(self):
        room = self.clinic.add_room("Gone")
        room.sign_in("jo")
        self.refuse(self.room1, "retire", "room", "Nowhere", status=66, says="list rooms")
        self.refuse(self.room1, "retire", "room", "Room 11", status=66, says="Room 1")
        self.room1.call("retire", "room", "Gone")
        until("the live link is closed", lambda: room.status()["link"] == "refused", 1)
        self.assertEqual(self.states()["Gone"], "retired")
        self.refuse(room, "list", "rooms", status=69)
        self.refuse(self.room1, "retire", "room", "Gone", status=66)
        room.agent.stop()
        room.serve()
        until("still refused", lambda: room.status()["link"] == "refused")
        self.assertIn({"name": "Gone", "state": "retired"}, self.clinic.status()["rooms"])

    def test_files_of_others_are_refused(self):
        room = self.clinic.add_room("Modes")
        self.assertEqual(room.agent.stop(), 0)
        serve = [ROOMKEEP, "serve", "--home", room.home, "--json"]
        for path in (room.home, *(os.path.join(room.home, n) for n in ("room.db", "room.key"))):
            mode = stat.S_IMODE(os.stat(path).st_mode)
            os.chmod(path, mode | 0o044)
            self.check_fault(serve, 78, code="home_not_private")
            os.chmod(path, mode)
        room.serve()
        self.assertEqual(room.status()["mode"], "courier")

    def test_a_server_with_open_files_does_not_start(self):
        root = tempfile.mkdtemp(prefix="roomkeep-modes-")
        self.addCleanup(shutil.rmtree, root)
        data = root + "/server"
        answer([ROOMKEEPD, "init", "--data", data, "--listen", "127.0.0.1:0", "--json"])
        for path in [data] + [p for p in all_files(data) if p.endswith((".db", "secrets", ".key"))]:
            mode = stat.S_IMODE(os.stat(path).st_mode)
            self.assertEqual(mode & 0o077, 0, path)
            os.chmod(path, mode | 0o004)
            for words in (("serve",), ("check", "database")):
                if words == ("serve",) or path.endswith(".db"):
                    self.check_fault([ROOMKEEPD, *words, "--data", data, "--json"], 78,
                                     code="data_not_private")
            os.chmod(path, mode)
        # A file where the folder should be is no folder.
        with open(root + "/file", "w"):
            pass
        self.assertNotEqual(run([ROOMKEEPD, "init", "--data", root + "/file", "--json"])[0], 0)
        self.assertNotEqual(run([ROOMKEEP, "serve", "--home", root + "/file", "--json"])[0], 0)

    def test_set_server(self):
        room = self.clinic.add_room("Moves")
        room.wait_link("online")
        room.proxy.cut()
        room.wait_link("offline")
        for bad in ("nowhere", "127.0.0.1", "127.0.0.1:0x50", "127.0.0.1:70000", ":"):
            self.refuse(room, "set", "server", bad, status=64)
        room.call("set", "server", self.clinic.address)
        until("online by the new address", lambda: room.status()["link"] == "online")
        self.assertEqual(room.agent.stop(), 0)
        room.serve()
        room.wait_link("online")
        # Who answers there is not this clinic's server: refused by its key, nothing is sent.
        other = Clinic()
        self.addCleanup(other.close)
        other.init()
        room.call("set", "server", other.address)
        until("not this clinic's server", lambda: room.status()["link"] != "online")
        room.call("set", "server", self.clinic.address)
        room.wait_link("online")


class SignIn(CliCase, SharedClinicTest):
    """Passphrases, wrong ones, files of them, people who may not."""

    def tearDown(self):
        if self.room2.status()["user"] != "mara":
            self.room2.sign_in("mara")

    def try_in(self, room, login, passphrase=PASSPHRASE, file="-"):
        return run(room.args("sign-in", login, "--passphrase-file", file), passphrase)

    def test_passphrase_files(self):
        path = os.path.join(self.clinic.root, "pass")
        for ending, good in (("", True), ("\n", True), ("\r\n", True), ("\n\n", False),
                             (" ", False), (" \n", False), ("\r", False)):
            with open(path, "w", newline="") as f:
                f.write(PASSPHRASE + ending)
            for file, stdin in ((path, ""), ("-", PASSPHRASE + ending)):
                status, _, err = self.try_in(self.room2, "mara", stdin, file)
                self.assertEqual(status, 0 if good else 77, (repr(ending), err))
                # A good one sets the counter of wrong ones back.
                self.assertEqual(self.try_in(self.room2, "mara")[0], 0)

    def on_terminal(self, args, *typed):
        """Runs `args` on a terminal; types each text when its prompt stands there. Returns status,
        stdout, stderr and what the terminal showed of the typing."""
        master, slave = pty.openpty()
        proc = subprocess.Popen(args, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(os.close, master)
        try:
            seen = b""
            for prompt, text in typed:
                while not seen.endswith(prompt.encode()):
                    piece = os.read(proc.stderr.fileno(), 4096)
                    self.assertTrue(piece, seen)
                    seen += piece
                os.write(master, text.encode() + b"\n")
            out, err = proc.communicate(timeout=WAIT_S)
            os.set_blocking(master, False)
            os.close(slave)
            try:
                echo = os.read(master, 65536)
            except OSError:  # nothing was shown
                echo = b""
            return proc.returncode, out.decode(), (seen + err).decode(), echo.decode()
        finally:
            if proc.poll() is None:
                proc.kill()
                proc.communicate()

    def test_prompts(self):
        """On a terminal secrets are asked for, a new one twice, and never shown."""
        sign_in = self.room2.args("sign-in", "mara")
        status, out, err, echo = self.on_terminal(sign_in, ("Passphrase: ", PASSPHRASE))
        self.assertEqual((status, json.loads(out)["user"]), (0, "mara"), err)
        self.assertNotIn("quiet", out + err + echo)
        status, out, err, echo = self.on_terminal(sign_in, ("Passphrase: ", "not this one at all"))
        self.assertEqual((status, out), (77, ""))
        self.assertNotIn("not this", err + echo)
        self.room2.sign_in("mara")

        add = self.room1.args("add", "user", "Typed In", "--login", "typed", "--role", "desk")
        status, out, err, echo = self.on_terminal(
            add, ("New passphrase: ", "typed at a terminal"),
            ("New passphrase again: ", "typed at a terminus"))
        self.assertEqual((status, out), (65, ""), err)
        status, out, err, echo = self.on_terminal(
            add, ("New passphrase: ", "typed at a terminal"),
            ("New passphrase again: ", "typed at a terminal"))
        self.assertEqual(status, 0, err)
        self.assertNotIn("typed at", out + err + echo)
        self.room2.sign_in("typed", "typed at a terminal")
        self.check_fault(self.room2.args("sign-in", "mara", "--no-input"), 64)

    def test_over_another_person(self):
        self.add_patient(self.room2, "Left Behind")
        got = self.room2.sign_in("sam")
        self.assertEqual((got["schema"], got["user"], got["roles"]),
                         ("roomkeep.sign_in/1", "sam", ["desk"]))
        self.assertEqual(self.room2.status()["user"], "sam")
        # A failed sign-in signs the one before out too: someone else stands there now.
        self.assertEqual(self.try_in(self.room2, "mara", "not her passphrase at all")[0], 77)
        self.assertEqual((self.room2.status()["user"], self.room2.status()["mode"]),
                         (None, "courier"))
        self.room2.sync()
        self.room2.sign_in("mara")
        until("what she typed is there",
              lambda: self.room2.call("find", "patient", "Left Behind")["patients"])

    def test_lock(self):
        self.assertEqual(self.room2.lock()["schema"], "roomkeep.lock/1")
        self.room2.lock()
        for words in (("list", "patients"), ("list", "users"), ("list", "rooms"), ("list", "notes"),
                      ("list", "pending"), ("find", "patient", "x"), ("import", "."),
                      ("add", "patient", "--name", "A", "--born", "1990-01-01"),
                      ("disable", "user", "jo"), ("invite", "room", "X"), ("retire", "room", "X")):
            self.refuse(self.room2, *words, status=77, code="signed_out")
        self.assertEqual(self.room2.sync()["outbox"]["queued"], 0)

    def words(self, login):
        return self.room2.args("sign-in", login, "--passphrase-file", "-")

    def test_throttle(self):
        """Five tries are free, in this room; an unknown login gets the very same answers."""
        self.clinic.add_user("Tom Throttle", "tom", "desk")
        answers = []
        for login in ("tom", "nobody-here"):
            tries = [self.check_fault(self.words(login), 77, "a wrong passphrase here")
                     for _ in range(7)]
            self.assertEqual([t["code"] for t in tries], ["login_failed"] * 5 + ["throttled"] * 2)
            for t in tries[5:]:
                self.assertRegex(t["hint"], r"1[0-5] seconds")
            answers.append([dict(t, hint=None) for t in tries])
        self.assertEqual(*answers)
        # The right passphrase waits too, here; and after the server was started again.
        self.check_fault(self.words("tom"), 77, PASSPHRASE, code="throttled")
        self.room1.sign_in("tom")  # another room is not touched
        self.room1.sign_in("jo")
        self.room2.sign_in("mara")
        self.assertEqual(self.clinic.server.stop(), 0)
        self.clinic.start()
        self.room1.wait_link("online")
        self.room2.wait_link("online")
        self.check_fault(self.words("tom"), 77, PASSPHRASE, code="throttled")
        self.room1.sign_in("jo")

    def test_offline(self):
        self.clinic.add_user("Ola Offline", "ola", "therapist")
        self.room2.sign_in("ola")
        pid = self.add_patient(self.room2, "Held Here")
        self.room2.sync()
        self.room2.lock()
        self.room2.proxy.cut()
        self.addCleanup(self.room2.proxy.heal)
        self.room2.wait_link("offline")
        self.assertEqual(self.try_in(self.room2, "ola", "not the one she chose")[0], 77)
        self.assertEqual(self.room2.agent.stop(), 0)
        self.room2.serve()
        got = self.room2.sign_in("ola")
        self.assertEqual((got["user"], got["online"]), ("ola", False))
        self.assertTrue(self.room2.call("find", "patient", "Held Here")["patients"])
        sid = self.start_session(self.room2, pid)
        self.room2.call("set", "session", sid, "--plan", "Written offline.")
        self.room2.call("add", "note", "--patient", pid, "-", stdin="Also offline.")
        self.assertEqual(self.room2.session(sid)["plan"], "Written offline.")
        self.assertGreaterEqual(self.room2.status()["outbox"]["queued"], 3)
        ops = self.room2.call("list", "pending")["ops"]
        self.assertLessEqual({"session_frame", "session_text", "note"},
                             {op["kind"] for op in ops if op["state"] == "queued"})
        for words in (("list", "rooms"), ("invite", "room", "X")):
            self.assertIn(run(self.room2.args(*words))[0], (69, 77), words)
        self.refuse(self.room2, "sync", "--wait", "0", status=75)
        # Five tries are free here too. Who never signed in here cannot, without the server.
        tries = [self.check_fault(self.words("ola"), 77, "not the one she chose")["code"]
                 for _ in range(6)]
        self.assertEqual(tries, ["login_failed"] * 5 + ["throttled"])
        self.refuse(self.room2, "sign-in", "sam", "--passphrase-file", "-", stdin="wrong " * 4,
                    status=77)
        self.room2.proxy.heal()
        self.room2.sync()
        self.assertEqual(self.room2.status()["outbox"]["queued"], 0)

    def test_sign_ins_at_once(self):
        """They stand in line: a right passphrase never counts as a wrong one."""
        for _ in range(3):
            procs = [subprocess.Popen(self.words(login), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                     for login in ("mara", "sam", "mara", "sam")]
            for proc in procs:  # all of them have begun before the first is given its passphrase
                proc.stdin.write(PASSPHRASE)
                proc.stdin.close()
            for proc in procs:
                err = proc.stderr.read()
                self.assertEqual((proc.wait(WAIT_S), err), (0, ""))
                proc.stdout.close()
                proc.stderr.close()
        self.assertIn(self.room2.status()["user"], ("mara", "sam"))

    def test_copies_of_keyrings_that_are_good_no_more(self):
        """A new passphrase, a block and a dismissal reach a room where nobody is signed in, at its
        next contact: from then on they hold without the network too."""
        for login in ("vera", "dora", "bea"):
            self.clinic.add_user("Some One", login, "therapist")
            self.room2.sign_in(login)
        self.room2.lock()
        self.addCleanup(self.room1.sign_in, "jo")
        self.addCleanup(self.room2.proxy.heal)
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.room1.call("disable", "user", "dora")
        answer([ROOMKEEPD, "block", "user", "bea", "--data", self.clinic.data, "--json"])
        new = os.path.join(self.clinic.root, "new-vera")
        with open(new, "w") as f:
            f.write("a passphrase that is hers now")
        self.room1.sign_in("vera")
        self.room1.call("set", "passphrase", "--passphrase-file", "-", "--new-passphrase-file", new,
                        stdin=PASSPHRASE)
        for login in ("vera", "dora", "bea"):  # the room cannot know yet
            self.room2.sign_in(login)
            self.room2.lock()
        self.room2.proxy.heal()
        self.room2.wait_link("online")
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        for login in ("vera", "dora", "bea"):
            self.check_fault(self.words(login), 77, PASSPHRASE)
        self.room2.sign_in("mara")  # the door is closed to nobody else

    def test_own_passphrase(self):
        self.clinic.add_user("Pat Phrase", "pat", "desk")
        self.room2.sign_in("pat")
        new = os.path.join(self.clinic.root, "new")
        words = ("set", "passphrase", "--passphrase-file", "-", "--new-passphrase-file", new)
        for bad in ("", "short", "pat", "Pat Phrase pat1"[:14], "passwordpassword"):
            with open(new, "w") as f:
                f.write(bad)
            self.refuse(self.room2, *words, stdin=PASSPHRASE, status=65, code="bad_passphrase")
        with open(new, "w") as f:
            f.write("une phrase très différente\n")
        self.refuse(self.room2, *words, stdin="not the old one, sorry", status=77)
        self.refuse(self.room2, "set", "passphrase", "--passphrase-file", "-",
                    "--new-passphrase-file", "-", stdin=PASSPHRASE, status=64)
        self.assertEqual(self.room2.call(*words, stdin=PASSPHRASE + "\n")["schema"],
                         "roomkeep.passphrase/1")
        self.assertEqual(self.try_in(self.room2, "pat")[0], 77)
        self.assertEqual(
            self.try_in(self.room2, "pat", "une phrase tre\u0300s diffe\u0301rente")[0], 0)
        self.assertEqual(self.try_in(self.room1, "pat")[0], 77)
        self.assertEqual(self.try_in(self.room1, "pat", "une phrase très différente")[0], 0)
        self.room1.sign_in("jo")

    def test_adding_people(self):
        add = lambda login, *more, **kw: self.room1.args(  # noqa: E731
            "add", "user", kw.get("name", "New Person"), "--login", login, *more,
            "--new-passphrase-file", "-")
        got = answer(add("nina", "--role", "therapist", "--role", "admin"), PASSPHRASE)
        self.assertEqual(got["schema"], "roomkeep.user/1")
        self.assertRegex(got["user_id"], UUID)
        self.assertEqual(self.room2.sign_in("nina")["roles"], ["therapist", "admin"])
        self.check_fault(add("nina", "--role", "desk"), 1, PASSPHRASE, code="login_taken")
        self.check_fault(add("NINA", "--role", "desk"), 65, PASSPHRASE)
        for login in ("", "two words", "ünder", "-dash", "x" * 65, "a/b"):
            self.check_fault(add(login, "--role", "desk"), 65, PASSPHRASE)
        self.check_fault(add("olaf", "--role", "boss"), 64, PASSPHRASE)
        self.check_fault(add("olaf", "--role", "desk", name=""), 65, PASSPHRASE)
        self.check_fault(add("olaf", "--role", "desk"), 65, "too short")
        # Parts of a name or a blocked word are fine; the whole is compared.
        answer(add("olaf", "--role", "desk"), "New Person likes password rolls")
        self.room2.sign_in("mara")
        self.check_fault(self.room2.args("add", "user", "E", "--login", "eve", "--role", "owner",
                                         "--new-passphrase-file", "-"), 77, PASSPHRASE)
        self.assertNotIn("eve", [u["login"] for u in self.room1.call("list", "users")["users"]])

    def test_disable(self):
        self.clinic.add_user("Dee Gone", "dee", "therapist")
        self.room2.sign_in("dee")
        self.refuse(self.room2, "disable", "user", "jo", status=77)
        self.refuse(self.room1, "disable", "user", "nobody", status=66, says="list users")
        self.refuse(self.room1, "disable", "user", "deee", status=66, says="Did you mean dee?")
        self.assertEqual(self.room1.call("disable", "user", "dee")["schema"], "roomkeep.user/1")
        until("signed out", lambda: self.room2.status()["mode"] == "courier")
        status, _, err = self.try_in(self.room2, "dee")
        self.assertEqual(status, 77)
        self.assertEqual(err, self.try_in(self.room2, "who")[2])
        self.assertEqual({u["login"]: u["state"] for u in self.room1.call("list", "users")["users"]}
                         ["dee"], "disabled")
        self.refuse(self.room1, "disable", "user", "jo", status=77, says="last owner")
        self.assertEqual(self.room1.status()["user"], "jo")

    def test_block(self):
        self.clinic.add_user("Bo Block", "bo", "therapist")
        self.clinic.add_user("Cy Block", "cy", "therapist")
        block = [ROOMKEEPD, "block", "user"]
        tail = ["--data", self.clinic.data, "--json"]
        self.check_fault(block + ["nobody"] + tail, 66)
        self.room2.sign_in("bo")
        answer(block + ["bo"] + tail)
        until("signed out", lambda: self.room2.status()["mode"] == "courier")
        status, _, err = self.try_in(self.room2, "bo")
        self.assertEqual((status, err), (77, self.try_in(self.room2, "who")[2]))
        answer(block + ["bo"] + tail)  # once more is no error
        self.assertEqual(self.clinic.server.stop(), 0)
        answer(block + ["cy"] + tail)
        self.check_fault(block + ["nobody"] + tail, 66)
        self.clinic.start()
        self.room1.wait_link("online")
        self.room2.wait_link("online")
        self.assertEqual(self.try_in(self.room2, "cy")[0], 77)
        self.assertEqual(self.clinic.check()["ok"], True)
        self.room1.sign_in("jo")

    def test_kit(self):
        self.assertEqual(self.room1.status()["kit"], "on_disk")
        self.refuse(self.room2, "confirm", "kit", stdin="", status=66)
        pages = [read(os.path.join(self.clinic.kit, name))
                 for name in sorted(os.listdir(self.clinic.kit))]
        shares = [re.sub(r"\s", "", re.search(r"recovery share:\n(.*?)\n\n", p, re.S).group(1))
                  for p in pages]
        self.refuse(self.room1, "confirm", "kit", stdin="", status=65)
        self.refuse(self.room1, "confirm", "kit", stdin=shares[0] + "\n", status=65)
        self.refuse(self.room1, "confirm", "kit", stdin=shares[0] + "\n" + shares[0], status=65)
        self.refuse(self.room1, "confirm", "kit", stdin=typo(shares[0]) + "\n" + shares[1],
                    status=65)
        self.refuse(self.room1, "confirm", "kit", stdin="\n".join(shares[:2]), status=1)
        self.assertEqual(self.room1.status()["kit"], "on_disk")
        for name in os.listdir(self.clinic.kit):
            os.remove(os.path.join(self.clinic.kit, name))
        got = self.room1.call("confirm", "kit", stdin=shares[2].lower() + "\n" + shares[1] + "\n")
        self.assertEqual((got["schema"], got["kit"]), ("roomkeep.kit/1", "confirmed"))
        self.assertEqual(self.room1.status()["kit"], "confirmed")
        self.assertNotIn(shares[0][:16], read(self.room1.log))


class Database(CliCase, ClinicSteps):
    """`check database` and `status` of the server in every state."""

    def setUp(self):
        self.clinic = Clinic()
        self.addCleanup(self.clinic.close)
        self.clinic.init()
        self.room1 = self.clinic.found()
        patient = self.add_patient(self.room1)
        self.session = self.start_session(self.room1, patient)
        self.room1.call("set", "session", self.session, "--plan", "Rest.")
        self.room1.call("add", "note", "--patient", patient, "-", stdin="A note.")
        self.fill(self.room1, self.session)
        self.room1.call("sign", "session", self.session)
        self.room1.sync()

    def kept(self):
        """What would survive a restart: not SQLite's shared memory."""
        return {name: sum_ for name, sum_ in self.hashes().items() if not name.endswith("-shm")}

    def hashes(self):
        found = {}
        for path in all_files(self.clinic.data):
            with open(path, "rb") as f:
                found[os.path.basename(path)] = hashlib.sha256(f.read()).hexdigest()
        return found

    def check_quietly(self):
        """The database holds, and looking changed nothing."""
        before = self.hashes()
        self.assertEqual(self.clinic.check()["ok"], True)
        self.clinic.status()
        self.assertEqual(self.hashes(), before)

    def test_a_clinic_whose_keys_are_lost(self):
        """Nothing makes new ones, which no room would know; what is missing is named."""
        self.assertEqual(self.clinic.server.stop(), 0)
        data = ["--data", self.clinic.data, "--json"]
        for name in ("server.key", "secrets"):
            path = os.path.join(self.clinic.data, name)
            os.rename(path, path + ".away")
            before = self.kept()
            self.check_fault([ROOMKEEPD, "init", *data], 1, code="exists")
            self.check_fault([ROOMKEEPD, "init", "--renew-code", *data], 1, code="exists")
            self.check_fault([ROOMKEEPD, "serve", *data], 78, code="no_keys", says="missing")
            self.assertEqual(self.kept(), before)
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as f:
                f.write(b"junk")
            self.check_fault([ROOMKEEPD, "serve", *data], 78, code="no_keys", says="damaged")
            os.rename(path + ".away", path)
        os.rename(os.path.join(self.clinic.data, "secrets"), self.clinic.data + ".secrets")
        self.check_fault([ROOMKEEPD, "block", "user", "jo", *data], 78, code="no_keys")
        os.rename(self.clinic.data + ".secrets", os.path.join(self.clinic.data, "secrets"))
        self.clinic.start()
        self.room1.wait_link("online")

    def test_a_damaged_home(self):
        self.room1.sync()
        self.assertEqual(self.room1.agent.stop(), 0)
        for name in ("room.key", "room.db"):
            path = os.path.join(self.room1.home, name)
            shutil.copy(path, path + ".kept")
            with open(path, "r+b") as f:
                f.write(b"\xff" * 64)
            self.check_fault([ROOMKEEP, "serve", "--home", self.room1.home, "--json"], 74,
                             code="home_damaged", says=name)
            os.replace(path + ".kept", path)
        self.room1.serve()

    def test_in_every_state(self):
        def quiet():
            before = self.hashes()
            return self.clinic.check()["ok"] and self.hashes() == before
        until("nothing but the check runs", quiet)
        self.clinic.server.kill()
        status = self.clinic.status()
        self.assertEqual((status["state"], status["rooms"]),
                         ("stopped", [{"name": "Room 1", "state": "offline"}]))
        self.check_quietly()
        self.clinic.start()
        self.room1.wait_link("online")
        until("Room 1 is seen", lambda: self.clinic.status()["rooms"][0]["state"] == "online")
        self.assertEqual(self.clinic.server.stop(), 0)
        self.check_quietly()
        for path in [self.clinic.data] + all_files(self.clinic.data):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o077, 0, path)

    def change(self, statement, *values):
        with sqlite3.connect(os.path.join(self.clinic.data, "clinic.db")) as db:
            changed = db.execute(statement, values).rowcount
        db.close()
        self.assertEqual(changed, 1)

    def found_bad(self):
        status, out, _ = run([ROOMKEEPD, "check", "database", "--data", self.clinic.data, "--json"])
        self.assertEqual(status, 3)
        return '"ok":false' in out

    def test_what_it_finds(self):
        self.assertEqual(self.clinic.server.stop(), 0)
        kept = self.clinic.data + ".kept"
        shutil.copytree(self.clinic.data, kept)
        for statement, *values in (
                ("UPDATE op_payload SET bytes = x'00' WHERE seq = 1",),
                ("UPDATE audit SET time_ms = time_ms + 1 WHERE seq = 2",),
                ("DELETE FROM audit WHERE seq = 2",),
                ("UPDATE session_text SET text = 'Run.'",),
                ("UPDATE patient SET name = 'Someone Else'",),
                ("UPDATE op SET code = -1 WHERE seq = 2",),
                ("UPDATE directory SET by_signer = zeroblob(64) WHERE dir_seq = 1",)):
            self.change(statement, *values)
            self.assertTrue(self.found_bad(), statement)
            shutil.rmtree(self.clinic.data)
            shutil.copytree(kept, self.clinic.data)
        self.assertEqual(self.clinic.check()["ok"], True)
        path = os.path.join(self.clinic.data, "clinic.db")
        for name in ("clinic.db-wal", "clinic.db-shm"):
            if os.path.exists(os.path.join(self.clinic.data, name)):
                os.remove(os.path.join(self.clinic.data, name))
        for content in (b"\xff" * 8192, b"SQLite format 3\0", b""):
            with open(path, "wb") as f:
                f.write(content)
            self.assertTrue(self.found_bad())
            self.assertNotEqual(run([ROOMKEEPD, "serve", "--data", self.clinic.data])[0], 0)


if __name__ == "__main__":
    unittest.main()
