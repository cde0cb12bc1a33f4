"""The command line as issue 2's contract says it, line by line: shapes, exits, texts, values."""
import datetime
import json
import os
import re
import subprocess
import unittest

from harness import (ROOMKEEP, ROOMKEEPD, SharedClinicTest, WAIT_S, answer, run, until)
from test_records import record_commands

HARBOUR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/harbour")
UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
TEXT_BYTES_MAX = 64 * 1024
NOWHERE = "00000000-0000-7000-8000-000000000000"

ROOM_COMMANDS = """found; enrol; serve; status; sync; sign-in; lock; set passphrase; set server;
confirm kit; add user; disable user; unlock user; list users; list rooms; list patients;
invite room; retire room; import; add patient; set patient; find patient; start session;
set session; correct session; add measure; sign session; add addendum; show session;
list sessions; add note;
list notes; list pending; list day-sheet; list waitlist; add walk-in; rebook; export day-sheet;
export calendar; show card; list watch; show report; export patient; export letter;
export receipt; open withheld; list reviews;
list audit"""
SERVER_COMMANDS = "init; serve; status; check database; block user"


def words_of(commands):
    return [line.split() for line in re.split(r";\s*", commands)]


class CliCase:
    """Calls that look at everything that comes back. Mixed into TestCases."""

    def check_fault(self, args, status, stdin="", env=None, code=None, says=None):
        """Fails with `status`, nothing on stdout, the contract's object on stderr; returns it."""
        got, out, err = run(args, stdin, env)
        self.assertEqual((got, out), (status, ""), (args, err))
        fault = json.loads(err)
        self.assertEqual(list(fault), ["error"], args)
        fault = fault["error"]
        self.assertLessEqual({"code", "message", "hint", "exit"}, set(fault), args)
        self.assertEqual(fault["exit"], status, args)
        self.assertTrue(fault["message"] and fault["code"], args)
        if code is not None:
            self.assertEqual(fault["code"], code, args)
        if says is not None:
            self.assertIn(says, "%s %s" % (fault["message"], fault["hint"]), args)
        return fault

    def refuse(self, room, *words, status, stdin="", **more):
        return self.check_fault(room.args(*words), status, stdin, **more)


class Calls(CliCase, unittest.TestCase):
    """What needs no clinic: help, wrong calls, no agent, no data."""

    HOME = "/nonexistent/roomkeep-home"

    def test_help_of_every_command(self):
        records = "; ".join(c for commands in record_commands().values() for c in commands)
        for program, commands in ((ROOMKEEP, ROOM_COMMANDS + "; " + records),
                                  (ROOMKEEPD, SERVER_COMMANDS)):
            name = os.path.basename(program)
            overview = run([program, "--help"])[1]
            for words in words_of(commands):
                status, out, err = run([program, *words, "--help"])
                self.assertEqual((status, err), (0, ""), words)
                examples = re.findall(r"^ +%s %s\b" % (name, " ".join(words)), out, re.M)
                self.assertGreaterEqual(len(examples), 2, words)
                self.assertIn("%s(1)" % name, out, words)
                self.assertNotIn("\x1b", out)
                self.assertEqual(run([program, *words, "-h"]), (0, out, ""), words)
                self.assertIn(" ".join(words), overview)

    def test_help_and_version_win_over_missing_arguments(self):
        self.assertEqual(run([ROOMKEEP, "--help", "add", "measure"])[0], 0)
        for program in (ROOMKEEP, ROOMKEEPD):
            status, out, _ = run([program, "--version", "--json"])
            self.assertEqual(status, 0)
            self.assertEqual(json.loads(out)["schema"], "roomkeep.version/1")

    def test_wrong_calls_of_a_room(self):
        for words, near in (
                ((), "--help"), (("shwo", "rooms"), "list rooms"), (("list", "room"), "list rooms"),
                (("list",), "list users"), (("sing-in", "jo"), "sign-in"),
                (("statsu",), "status"), (("add", "pateint"), "add patient"),
                (("patient", "add"), None), (("xyzzy",), None),
                (("find", "patient"), None), (("find", "patient", "a", "b"), None),
                (("find", "patient", "a", "--jsn"), "--json"),
                (("add", "patient", "--name", "A"), "--born"),
                (("add", "patient", "--nam", "A", "--born", "1990-01-01"), "--name"),
                (("sign-in", "jo", "--passphrase", "x"), "--passphrase-file"),
                (("sign-in", "--passphrase-file", "-"), "LOGIN"),
                (("sign-in", "jo"), "--passphrase-file"),
                (("sign-in", "jo", "--passphrase-file"), "--passphrase-file"),
                (("start", "session"), "--patient"),
                (("start", "session", "--patient", "a", "--patient", "b"), "--patient"),
                (("add", "measure", "--session", "s", "--ref", "cx_rot", "--phase", "psot"),
                 "post"),
                (("add", "measure", "--ref", "cx_rot", "--phase", "pre"), "--session"),
                (("add", "measure", "--session", "s", "--ref", "r", "--phase", "pre", "--value",
                  "many"), "number"),
                (("add", "measure", "--session", "s", "--ref", "r", "--phase", "pre", "--value",
                  "nan"), "number"),
                (("add", "measure", "--session", "s", "--ref", "r", "--phase", "pre", "--value",
                  "0x20"), "number"),
                (("add", "measure", "--session", "s", "--ref", "r", "--phase", "pre", "--result",
                  "positiv"), "pos"),
                (("add", "user", "A", "--login", "a", "--role", "theraipst"), "therapist"),
                (("add", "user", "A", "--login", "a"), "--role"),
                (("invite", "room", "R", "--kind", "treatmnt"), "treatment"),
                (("serve", "--idle-lock", "0"), "720"), (("serve", "--idle-lock", "721"), "720"),
                (("serve", "--idle-lock", "soon"), "whole number"),
                (("sync", "--wait", "-1"), None), (("sync", "--wait", "1.5"), "whole number"),
                (("set", "session", "s", "--subjective", "-", "--plan", "-"), "once"),
                (("status", "now"), None), (("lock", "--color", "blue"), "auto")):
            self.check_fault([ROOMKEEP, "--home", self.HOME, "--json", *words], 64, says=near,
                             code="usage")

    def test_wrong_calls_of_the_server(self):
        for words, near in (
                ((), "--help"), (("statsu",), "status"), (("chekc", "database"), "check database"),
                (("check",), "check database"), (("blok", "user", "jo"), "block user"),
                (("block", "user"), "LOGIN"), (("block", "user", "a", "b"), None),
                (("init", "--listn", "127.0.0.1:1"), "--listen"),
                (("init", "--lis", "127.0.0.1:1"), "--listen"),
                (("init", "--listen"), "--listen"),
                (("init", "--listen", "nowhere"), "ADDRESS:PORT"),
                (("init", "--listen", "127.0.0.1:70000"), "ADDRESS:PORT"),
                (("init", "now"), None), (("serve", "--renew-code"), "init"),
                (("add", "patient"), None), (("list", "notes"), None)):
            self.check_fault([ROOMKEEPD, "--data", self.HOME, "--json", *words], 64, says=near,
                             code="usage")

    def test_a_wrong_call_for_a_person(self):
        status, out, err = run([ROOMKEEP, "shwo", "rooms"])
        self.assertEqual((status, out), (64, ""))
        self.assertIn('Did you mean "list rooms"?', err)
        self.assertNotIn("{", err)
        self.assertNotIn("\x1b", err)

    def test_no_agent(self):
        for words, stdin in (
                (("status",), ""), (("sync",), ""), (("lock",), ""), (("list", "users"), ""),
                (("list", "rooms"), ""), (("list", "patients"), ""), (("list", "notes"), ""),
                (("list", "pending"), ""), (("find", "patient", "a"), ""),
                (("sign-in", "jo", "--passphrase-file", "-"), "some passphrase"),
                (("show", "session", NOWHERE), ""), (("set", "server", "127.0.0.1:1"), ""),
                (("add", "note", "--patient", NOWHERE, "-"), "words"),
                (("import", "."), ""), (("disable", "user", "jo"), "")):
            self.check_fault([ROOMKEEP, *words, "--home", self.HOME, "--json"], 69, stdin,
                             code="agent_not_running")

    def test_no_room_and_no_clinic(self):
        self.check_fault([ROOMKEEP, "serve", "--home", self.HOME, "--json"], 78, code="no_room")
        for words in (("serve",), ("status",), ("check", "database"), ("block", "user", "jo")):
            self.check_fault([ROOMKEEPD, *words, "--data", self.HOME, "--json"], 66,
                             code="no_clinic", says="roomkeepd init")

    def test_files_that_are_not_there(self):
        home = ["--home", self.HOME, "--json"]
        fault = self.check_fault([ROOMKEEP, "find", "patient", "@/nonexistent", *home], 66,
                                 says="text could not be read from /nonexistent: no such file")
        self.assertIn("begins with @", fault["hint"])
        sign_in = [ROOMKEEP, "sign-in", "jo", *home, "--passphrase-file"]
        self.check_fault([*sign_in, "/nonexistent"], 66,
                         says="--passphrase-file could not be read from /nonexistent")
        self.check_fault([*sign_in, "-"], 65, "p" * 1025)
        self.check_fault([*sign_in, "-"], 65, b"not \xff UTF-8, not at all")
        self.check_fault([ROOMKEEP, "find", "patient", b"\xff\xfe", *home], 65)
        self.check_fault([ROOMKEEP, "add", "note", "--patient", NOWHERE, "-", *home], 65,
                         b"bad \xc3\x28 bytes")
        self.check_fault([ROOMKEEP, "add", "note", "--patient", NOWHERE, "-", *home], 65,
                         b"nul \0 byte")
        self.check_fault([ROOMKEEP, "add", "note", "--patient", NOWHERE, "-", *home], 65,
                         "x" * (TEXT_BYTES_MAX + 1))


class Answers(CliCase, SharedClinicTest):
    """Each --json answer: its schema, its keys, the kinds of its values."""

    def setUp(self):
        self.patient = self.add_patient(self.room2)

    def keys(self, got, schema, *keys):
        self.assertEqual(got["schema"], "roomkeep.%s/1" % schema)
        self.assertLessEqual(set(keys), set(got), schema)
        return got

    def each(self, rows, *keys):
        self.assertTrue(rows)
        for row in rows:
            self.assertLessEqual(set(keys), set(row))
        return rows

    def test_server(self):
        status = self.keys(self.clinic.status(), "server-status", "state", "epoch", "seq", "rooms",
                           "sqlite_version")
        self.assertRegex(status["epoch"], UUID)
        self.assertIsInstance(status["seq"], int)
        self.assertRegex(status["sqlite_version"], r"^3\.\d+\.\d+$")
        self.each(status["rooms"], "name", "state")
        self.keys(self.clinic.check(), "check-database", "ok", "checks")

    def test_status_and_sync(self):
        status = self.keys(self.room2.call("status"), "status", "link", "mode", "user", "outbox",
                           "cursor")
        self.assertEqual((status["link"], status["mode"], status["user"]),
                         ("online", "signed_in", "mara"))
        self.assertLessEqual({"queued", "committed", "rejected"}, set(status["outbox"]))
        self.assertTrue(all(isinstance(n, int) for n in status["outbox"].values()))
        self.assertRegex(status["cursor"]["epoch"], UUID)
        self.assertIsInstance(status["cursor"]["seq"], int)
        self.keys(self.room2.sync(), "sync")

    def test_people_and_rooms(self):
        users = self.keys(self.room1.call("list", "users"), "users")["users"]
        self.each(users, "user_id", "login", "name", "roles")
        self.assertEqual({u["login"]: u["roles"] for u in users},
                         {"jo": ["owner", "therapist"], "mara": ["therapist"], "sam": ["desk"]})
        rooms = self.keys(self.room2.call("list", "rooms"), "rooms")["rooms"]
        self.assertLessEqual({("Room 1", "online"), ("Room 2", "online")},
                             {(r["name"], r["state"]) for r in self.each(rooms, "name", "state")})

    def test_patients(self):
        added = self.keys(self.room2.call("add", "patient", "--name", "Ann Ode", "--born",
                                          "2001-02-03", "--phone", "604 555 0111"), "patient")
        self.assertRegex(added["patient_id"], UUID)
        self.keys(self.room2.call("set", "patient", added["patient_id"], "--phone", "604 555 0112"),
                  "patient", "patient_id")
        found = self.keys(self.room2.call("find", "patient", "Ann"), "patients")["patients"]
        self.assertEqual([(p["patient_id"], p["name"], p["born"], p["phone"]) for p in found],
                         [(added["patient_id"], "Ann Ode", "2001-02-03", "604 555 0112")])
        listed = self.keys(self.room2.call("list", "patients"), "patients")["patients"]
        self.assertIn(added["patient_id"], [p["patient_id"] for p in listed])

    def test_a_patient_who_is_there_already_is_warned_of(self):
        first = self.room2.call("add", "patient", "--name", "Lise Thorn", "--born", "1975-06-07",
                                "--phone", "604 555 0133")
        self.assertEqual(first["warnings"], [])
        status, _, said = run([ROOMKEEP, "add", "patient", "--name", "Thorn, Lise", "--born",
                               "1975-06-07", "--home", self.room2.home])
        self.assertEqual(status, 0)
        self.assertEqual(said, "Note: the same name and birth date as patient %s: is this "
                         "one person, entered twice?\n" % first["patient_id"])
        other = self.room2.call("add", "patient", "--name", "Lise Thorn", "--born", "1999-01-01",
                                "--phone", "+1 604 555 0133")
        self.assertEqual([(w["code"], w["patient_id"], w["same"]) for w in other["warnings"]],
                         [("possible_duplicate", first["patient_id"], ["name", "phone"])])

    def test_session_from_start_to_addendum(self):
        started = self.keys(self.room2.call("start", "session", "--patient", self.patient),
                            "session_started", "session_id")
        sid = started["session_id"]
        self.assertRegex(sid, UUID)
        empty = self.keys(self.room2.session(sid), "session", "session_id", "patient_id", "author",
                          "state", "subjective", "objective", "assessment", "plan", "measures",
                          "conflicts", "late_changes", "addenda")
        self.assertEqual([empty[k] for k in ("subjective", "objective", "assessment", "plan")],
                         [None] * 4)
        self.assertEqual([empty[k] for k in ("measures", "conflicts", "late_changes", "addenda")],
                         [[]] * 4)
        self.assertEqual((empty["author"], empty["state"], empty["patient_id"]),
                         ("mara", "draft", self.patient))
        self.keys(self.room2.call("set", "session", sid, "--subjective", "S", "--objective", "O",
                                  "--assessment", "A", "--plan", "P"), "session_set")
        measure = self.room2.call("add", "measure", "--session", sid, "--ref", "cx_rot", "--side",
                                  "L", "--phase", "pre", "--value", "52")
        self.fill(self.room2, sid)
        self.keys(self.room2.call("sign", "session", sid), "session_signed")
        addendum = self.room2.call("add", "addendum", "--session", sid, "-", stdin="more")
        self.keys(addendum, "addendum", "addendum_id")
        shown = self.room2.session(sid)
        self.assertEqual([shown[k] for k in ("subjective", "objective", "assessment", "plan",
                                             "state")], ["S", "O", "A", "P", "signed"])
        row, = shown["measures"]
        self.assertLessEqual({"measure_id", "ref", "side", "phase", "value", "unit", "result", "at",
                              "by"}, set(row))
        self.assertRegex(row["at"], TIME)
        self.assertEqual((row["measure_id"], row["by"], row["result"]),
                         (measure["measure_id"], "mara", None))
        row, = shown["addenda"]
        self.assertRegex(row["at"], TIME)
        self.assertEqual((row["addendum_id"], row["text"], row["by"]),
                         (addendum["addendum_id"], "more", "mara"))
        listed = self.keys(self.room2.call("list", "sessions", "--patient", self.patient),
                           "sessions", "sessions", "more", "partial")
        row, = self.each(listed["sessions"], "session_id", "state", "started_at", "author")
        self.assertRegex(row["started_at"], TIME)
        self.assertEqual((row["session_id"], row["state"], row["author"], listed["partial"]),
                         (sid, "signed", "mara", False))

    def test_notes_and_pending(self):
        note = self.keys(self.room2.call("add", "note", "--patient", self.patient, "-", stdin="n"),
                         "note")["note_id"]
        self.assertRegex(note, UUID)
        rows = self.keys(self.room2.call("list", "notes", "--patient", self.patient), "notes")
        row, = self.each(rows["notes"], "note_id", "patient_id", "text", "written_at")
        self.assertEqual((row["note_id"], row["patient_id"], row["text"]),
                         (note, self.patient, "n"))
        self.assertRegex(row["written_at"], TIME)
        self.assertIn(note, [n["note_id"] for n in self.room2.call("list", "notes")["notes"]])
        ops = self.each(self.keys(self.room2.call("list", "pending"), "pending")["ops"], "op_id",
                        "kind", "state", "code", "text")
        self.assertLessEqual({op["state"] for op in ops},
                             {"queued", "committed", "rejected", "quarantined"})

    def test_a_session_that_two_wrote(self):
        sid = self.start_session(self.room2, self.patient)
        self.room2.call("set", "session", sid, "--plan", "Walk.")
        self.room2.sync()
        self.wait_text(self.room1, sid, "plan", "Walk.")
        self.refuse(self.room1, "set", "session", sid, "--plan", "Swim.", status=77)
        self.refuse(self.room1, "sign", "session", sid, status=77)
        self.refuse(self.room1, "add", "measure", "--session", sid, "--ref", "nprs", "--phase",
                    "pre", "--value", "3", status=77)
        self.fill(self.room2, sid)
        self.room2.call("sign", "session", sid)
        self.room2.sync()
        until("signed in Room 1", lambda: self.room1.session(sid)["state"] == "signed")
        self.room1.call("add", "addendum", "--session", sid, "-", stdin="Seen again.")
        self.room1.sync()
        until("addendum in Room 2", lambda: self.room2.session(sid)["addenda"])
        row, = self.room2.session(sid)["addenda"]
        self.assertEqual((row["text"], row["by"]), ("Seen again.", "jo"))

    def test_a_signed_session_refuses(self):
        sid = self.start_session(self.room2, self.patient)
        self.fill(self.room2, sid)
        self.room2.call("sign", "session", sid)
        before = self.room2.session(sid)
        for words in (("set", "session", sid, "--plan", "x"), ("sign", "session", sid),
                      ("add", "measure", "--session", sid, "--ref", "nprs", "--phase", "post",
                       "--value", "1")):
            self.refuse(self.room2, *words, status=1, code="session_signed")
        self.assertEqual(self.room2.session(sid), before)
        status, out, err = run([ROOMKEEP, "sign", "session", sid, "--home", self.room2.home])
        self.assertEqual((status, out), (1, ""))
        self.assertIn("signed", err)

    def test_unknown_ids(self):
        sid = self.start_session(self.room2, self.patient)
        for bad in (NOWHERE, "nonsense", "", sid[:-1], sid + "0", "@"):
            for words in (("show", "session", bad), ("set", "session", bad, "--plan", "x"),
                          ("sign", "session", bad), ("set", "patient", bad, "--phone", "604 555"),
                          ("start", "session", "--patient", bad),
                          ("list", "sessions", "--patient", bad),
                          ("list", "notes", "--patient", bad),
                          ("add", "measure", "--session", bad, "--ref", "nprs", "--phase", "pre",
                           "--value", "1")):
                self.refuse(self.room2, *words, status=66)
            self.refuse(self.room2, "add", "addendum", "--session", bad, "-", stdin="x", status=66)
            self.refuse(self.room2, "add", "note", "--patient", bad, "-", stdin="x", status=66)
            self.refuse(self.room2, "add", "note", "--patient", self.patient, "--session", bad, "-",
                        stdin="x", status=66)
        # An id of another kind is no id of this kind.
        self.refuse(self.room2, "show", "session", self.patient, status=66)
        self.refuse(self.room2, "start", "session", "--patient", sid, status=66)

    def test_ids_in_capitals_are_the_same_ids(self):
        sid = self.start_session(self.room2, self.patient)
        self.assertEqual(self.room2.session(sid.upper())["session_id"], sid)

    def test_options_stand_anywhere(self):
        home = self.room2.home
        for args in (["--home", home, "--json", "find", "patient", "Maya"],
                     ["find", "--home", home, "patient", "--json", "Maya"],
                     ["find", "patient", "--json", "Maya", "--home=" + home],
                     ["find", "patient", "--json", "--home", home, "--", "Maya"]):
            self.assertTrue(answer([ROOMKEEP, *args])["patients"], args)
        self.assertEqual(answer([ROOMKEEP, "find", "patient", "--json", "--home", home, "--",
                                 "--json"])["patients"], [])
        data = self.clinic.data
        for args in (["--data", data, "--json", "status"], ["status", "--json", "--data=" + data],
                     ["--json", "status", "--data", data]):
            self.assertEqual(answer([ROOMKEEPD, *args])["state"], "running")

    def test_environment_names_home_and_data(self):
        env = {"ROOMKEEP_HOME": self.room2.home, "ROOMKEEP_DATA": self.clinic.data}
        status, out, _ = run([ROOMKEEP, "status", "--json"], env=env)
        self.assertEqual((status, json.loads(out)["room"]), (0, "Room 2"))
        status, out, _ = run([ROOMKEEP, "status", "--json", "--home", self.room1.home], env=env)
        self.assertEqual((status, json.loads(out)["room"]), (0, "Room 1"))
        status, out, _ = run([ROOMKEEPD, "status", "--json"], env=env)
        self.assertEqual((status, json.loads(out)["state"]), (0, "running"))
        self.check_fault([ROOMKEEPD, "status", "--json", "--data", "/nonexistent"], 66, env=env)

    def test_answers_for_people(self):
        sid = self.start_session(self.room2, self.patient)
        self.room2.call("add", "measure", "--session", sid, "--ref", "cx_rot", "--side", "R",
                        "--phase", "pre", "--value", "48.5")
        for words, says in (
                (("status",), "Room 2"), (("list", "patients"), "Maya Rowe"),
                (("find", "patient", "Maya"), "1988-04-02"),
                (("find", "patient", "Zyzzy"), "No one"),
                (("list", "users"), "owner, therapist"), (("list", "rooms"), "online"),
                (("list", "sessions", "--patient", self.patient), "draft"),
                (("show", "session", sid), "48.5"), (("list", "pending"), "committed"),
                (("sync", "--wait", str(WAIT_S)), "saved"),
                (("set", "session", sid, "--plan", "Rest."), sid)):
            for env in ({"TERM": "xterm-256color"}, {"NO_COLOR": "1", "COLUMNS": "40"},
                        {"LC_ALL": "C"}):
                status, out, err = run([ROOMKEEP, *words, "--home", self.room2.home], env=env)
                self.assertEqual((status, err), (0, ""), words)
                self.assertNotIn("\x1b", out)
                if "COLUMNS" not in env:
                    self.assertIn(says, out)
        quiet = run([ROOMKEEP, "set", "session", sid, "--plan", "Walk.", "-q", "--home",
                     self.room2.home])
        self.assertEqual(quiet, (0, "", ""))
        for words in (("status",), ("check", "database")):
            status, out, err = run([ROOMKEEPD, *words, "--data", self.clinic.data])
            self.assertEqual((status, err), (0, ""), words)
            self.assertNotIn("\x1b", out)

    def test_an_answer_that_nobody_takes(self):
        for args, stderr in ((self.room2.args("list", "users"), '"exit":74'),
                             ([ROOMKEEPD, "status", "--data", self.clinic.data, "--json"],
                              '"exit":74')):
            with open("/dev/full", "w") as full:
                done = subprocess.run(args, stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 74)
            self.assertIn(stderr, done.stderr)

    def test_many_at_once(self):
        """Calls stand in line; none is lost, none is refused."""
        procs = [subprocess.Popen(self.room2.args("add", "patient", "--name", "Crowd %02d" % i,
                                                  "--born", "1990-01-01"),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for i in range(24)]
        for proc in procs:
            self.assertEqual((proc.communicate()[1], proc.returncode), (b"", 0))
        found = self.room2.call("find", "patient", "Crowd")["patients"]
        self.assertEqual([p["name"] for p in found], ["Crowd %02d" % i for i in range(24)])

    def test_argv_is_blank_once_it_is_parsed(self):
        """A command that waits for its standard input shows nothing of what was typed to ps."""
        sid = self.start_session(self.room2, self.patient)
        for words, secret in (
                (("set", "session", sid, "--subjective", "Whispered-words", "--plan", "-"),
                 b"Whispered-words"),
                (("add", "patient", "--name", "Secret-Name", "--born", "1990-01-01", "--phone",
                  "-"), b"Secret-Name")):
            self.blank_argv([ROOMKEEP, *words, "--home", self.room2.home], secret)
        self.blank_argv([ROOMKEEP, "found", "CODE-CODE-CODE", "--server", "127.0.0.1:1", "--clinic",
                         "C", "--owner", "Secret-Owner", "--login", "o", "--room", "R", "--kit",
                         "/nonexistent", "--passphrase-file", "-", "--home", "/nonexistent"],
                        b"CODE-CODE")

    def blank_argv(self, args, secret):
        proc = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            def blank():
                with open("/proc/%d/cmdline" % proc.pid, "rb") as f:
                    line = f.read()
                return secret not in line
            until("argv is blank", blank, 10)
            self.assertIsNone(proc.poll(), "it ended before it was looked at")
        finally:
            proc.kill()
            proc.communicate()


class Texts(CliCase, SharedClinicTest):
    """What may stand in a text, a name, a date; where it may come from."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.patient = cls.room2.call("add", "patient", "--name", "Maya Rowe", "--born",
                                     "1988-04-02")["patient_id"]

    def setUp(self):
        self.session = self.start_session(self.room2, self.patient)
        self.file = os.path.join(self.clinic.root, "text")

    def write(self, text):
        with open(self.file, "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return "@" + self.file

    def set_plan(self, *value, stdin=""):
        self.room2.call("set", "session", self.session, "--plan", *value, stdin=stdin)
        return self.room2.session(self.session)["plan"]

    def test_where_a_text_comes_from(self):
        self.assertEqual(self.set_plan("plain"), "plain")
        self.assertEqual(self.set_plan("-", stdin="from a pipe\n"), "from a pipe")
        self.assertEqual(self.set_plan("-", stdin="two\n\n"), "two\n")
        self.assertEqual(self.set_plan("-", stdin="dos\r\n"), "dos")
        self.assertEqual(self.set_plan(self.write("from a file\n")), "from a file")
        self.assertEqual(self.set_plan("-", stdin="@not a file"), "@not a file")
        self.assertEqual(self.set_plan("-", stdin="-"), "-")
        self.assertEqual(self.set_plan(""), "")
        self.assertEqual(self.set_plan("--plan is a flag"), "--plan is a flag")
        self.assertEqual(self.set_plan("a -> b --json"), "a -> b --json")

    def test_scripts_of_the_world(self):
        for text in ("Grüße, naïve façade", "نص بالعربية 123", "עברית", "日本語のメモ",
                     "Zoë 👩‍⚕️🏽 ok", "a\ttab and\nnew lines\n\nhere", "\u200fRTL mark",
                     "e\u0301", "'; DROP TABLE op;--", '{"json": "\\u0000"}', "<b>&amp;</b>",
                     "%s%n %d", "\\", '"'):
            self.assertEqual(self.set_plan(text), text)
            self.assertEqual(self.set_plan("-", stdin=text), text)

    def test_texts_that_are_refused(self):
        self.set_plan("as it was")
        self.room2.sync()
        seq = self.clinic.status()["seq"]
        for bad in (b"nul\0byte", b"bad \xff utf-8", b"\xed\xa0\x80 surrogate", b"bell \x07",
                    b"esc \x1b[31m", b"del \x7f", b"\xc0\xaf overlong"):
            for words in (("set", "session", self.session, "--plan", "-"),
                          ("add", "addendum", "--session", self.session, "-"),
                          ("add", "note", "--patient", self.patient, "-"),
                          ("add", "patient", "--name", "-", "--born", "1990-01-01")):
                fault = self.refuse(self.room2, *words, stdin=bad, status=65)
                self.assertNotIn("nul", json.dumps(fault).replace("null", ""))
        self.room2.sync()
        self.assertEqual(self.clinic.status()["seq"], seq)
        self.assertEqual(self.room2.session(self.session)["plan"], "as it was")

    def test_limits_of_texts(self):
        most = "ä" * (TEXT_BYTES_MAX // 2)
        self.assertEqual(self.set_plan("-", stdin=most), most)
        self.assertEqual(self.set_plan("-", stdin=most + "\n"), most)
        self.assertEqual(self.set_plan(self.write(most)), most)
        self.refuse(self.room2, "set", "session", self.session, "--plan", "-", stdin=most + "a",
                    status=65)
        self.refuse(self.room2, "set", "session", self.session, "--plan", self.write(most + "a"),
                    status=65)
        self.assertEqual(self.set_plan("-", stdin=most[1:] + "a"), most[1:] + "a")
        note = self.room2.call("add", "note", "--patient", self.patient, "-", stdin=most)["note_id"]
        self.assertEqual({n["note_id"]: n["text"] for n in
                          self.room2.call("list", "notes")["notes"]}[note], most)
        self.refuse(self.room2, "add", "note", "--patient", self.patient, "-", stdin=most + "a",
                    status=65)
        self.room2.call("add", "addendum", "--session", self.session, "-", stdin=most)
        self.refuse(self.room2, "add", "addendum", "--session", self.session, "-",
                    stdin=most + "a", status=65)
        # Four fields at their most in one call: one change, however large.
        self.room2.call("set", "session", self.session, *(
            word for field in ("subjective", "objective", "assessment", "plan")
            for word in ("--" + field, self.write(most))))
        self.room2.sync()
        self.wait_text(self.room1, self.session, "assessment", most)
        # Signs that JSON writes with two bytes need no less.
        quotes = '"\n' * (TEXT_BYTES_MAX // 2)
        self.room2.call("set", "session", self.session, *(
            word for field in ("subjective", "objective", "assessment", "plan")
            for word in ("--" + field, self.write(quotes + "\n"))))
        self.assertEqual(self.room2.session(self.session)["objective"], quotes)

    def test_empty_texts(self):
        for empty in ("", "\n"):
            self.refuse(self.room2, "add", "note", "--patient", self.patient, "-", stdin=empty,
                        status=65)
            self.refuse(self.room2, "add", "addendum", "--session", self.session, "-", stdin=empty,
                        status=65)
            self.refuse(self.room2, "find", "patient", "-", stdin=empty, status=64)
        self.refuse(self.room2, "set", "session", self.session, status=64)
        self.refuse(self.room2, "set", "patient", self.patient, status=64)
        for words in (("add", "patient", "--name", "", "--born", "1990-01-01"),
                      ("add", "patient", "--name", "  ", "--born", "1990-01-01"),
                      ("add", "patient", "--name", "A", "--born", ""),
                      ("set", "patient", self.patient, "--name", ""),
                      ("set", "patient", self.patient, "--born", "")):
            self.refuse(self.room2, *words, status=65)

    def test_names(self):
        for typed, stored in (
                ("José Álvarez", "José Álvarez"), ("Jose\u0301", "José"),
                ("  Ann   Lee ", "Ann Lee"), ("محمد علي", "محمد علي"), ("שרה כהן", "שרה כהן"),
                ("李小龍", "李小龍"), ("O'Brien-Smith", "O'Brien-Smith"), ("Zoë 🎉", "Zoë 🎉"),
                ("🦊", "🦊"), ("N" * 200, "N" * 200)):
            added = self.room2.call("add", "patient", "--name", typed, "--born", "1990-01-01")
            found = self.room2.call("find", "patient", stored)["patients"]
            self.assertEqual([p["name"] for p in found if p["patient_id"] == added["patient_id"]],
                             [stored])
            self.assertNotIn(self.patient, [p["patient_id"] for p in found], typed)
        for bad in ("N" * 201, "two\nlines\u2028", "x\x1b[2J", "evil\u202egnp"):
            self.refuse(self.room2, "add", "patient", "--name", bad, "--born", "1990-01-01",
                        status=65)

    def test_finding(self):
        pid = self.room2.call("add", "patient", "--name", "Siobhán O'Hara", "--born", "1979-12-24",
                              "--phone", "604-555-0199")["patient_id"]
        for text in ("siobhan", "SIOBHÁN", "o'hara", "ohara", "hara siob", "1979-12-24", "0199",
                     "555-0199", "Sio"):
            self.assertIn(pid, [p["patient_id"] for p in
                                self.room2.call("find", "patient", text)["patients"]], text)
        for text in ("siobhan smith", "1979-12-25", "%", "*", "--", "''"):
            self.assertNotIn(pid, [p["patient_id"] for p in self.room2.call(
                "find", "patient", "-", stdin=text)["patients"]], text)

    def test_dates(self):
        for good in ("1880-01-01", "2000-02-29", "1988-12-31"):
            self.room2.call("add", "patient", "--name", "Day " + good, "--born", good)
        for bad in ("1988-02-30", "1900-02-29", "1988-13-01", "1988-00-10", "1988-1-1",
                    "01.02.1988", "1988/02/03", "19880203", "1988-02-03 ", "1879-12-31",
                    "2101-01-01", "tomorrow", "2100-12-31", self.day_from_now(3)):
            self.refuse(self.room2, "add", "patient", "--name", "A", "--born", bad, status=65)
            self.refuse(self.room2, "set", "patient", self.patient, "--born", bad, status=65)
        self.room2.call("add", "patient", "--name", "Born Today", "--born", self.day_from_now(0))

    @staticmethod
    def day_from_now(days):
        return (datetime.datetime.now() + datetime.timedelta(days)).strftime("%Y-%m-%d")

    def test_phones_and_addresses(self):
        for good in ("+1 (604) 555-0100", "604.555.0100", ""):
            self.room2.call("set", "patient", self.patient, "--phone", good)
        for bad in ("call me", "12", "0" * 41, "604\n555"):
            self.refuse(self.room2, "set", "patient", self.patient, "--phone", bad, status=65)
        self.room2.call("set", "patient", self.patient, "--email", "maya@example.org")
        for bad in ("maya", "@example.org", "a@b@c", "a" * 250 + "@b.ca"):
            self.refuse(self.room2, "set", "patient", self.patient, "--email", "-", stdin=bad,
                        status=65)

    def test_a_change_is_whole_or_not_at_all(self):
        self.room2.call("set", "session", self.session, "--subjective", "before")
        self.refuse(self.room2, "set", "session", self.session, "--subjective", "after", "--plan",
                    "-", stdin="bad \x07", status=65)
        self.assertEqual(self.room2.session(self.session)["subjective"], "before")


class Measures(CliCase, SharedClinicTest):
    """Rows of an assessment against the catalogue."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        patient = cls.room2.call("add", "patient", "--name", "Maya Rowe", "--born",
                                 "1988-04-02")["patient_id"]
        cls.session = cls.room2.call("start", "session", "--patient", patient)["session_id"]

    def words(self, ref, side=None, phase="pre", value=None, result=None):
        return ["add", "measure", "--session", self.session, "--ref", ref, "--phase", phase,
                *(["--side", side] if side else []), *(["--value", value] if value else []),
                *(["--result", result] if result else [])]

    def test_rows_that_are_right(self):
        for row, shown in (
                (dict(ref="cx_rot", side="L", value="52"), ("cx_rot", "L", "pre", 52, "deg", None)),
                (dict(ref="cx_rot", side="R", phase="post", value="64.5"),
                 ("cx_rot", "R", "post", 64.5, "deg", None)),
                (dict(ref="cx_rot", side="L", phase="mid", result="unable"),
                 ("cx_rot", "L", "mid", None, None, "unable")),
                (dict(ref="cx_flex", value="0"), ("cx_flex", None, "pre", 0, "deg", None)),
                (dict(ref="cx_flex", side="mid", value="45"),
                 ("cx_flex", "mid", "pre", 45, "deg", None)),
                (dict(ref="cx_spurling", side="L", result="pos"),
                 ("cx_spurling", "L", "pre", None, None, "pos")),
                (dict(ref="cx_spurling", side="both", result="neg"),
                 ("cx_spurling", "both", "pre", None, None, "neg")),
                (dict(ref="cx_spurling", result="equivocal"),
                 ("cx_spurling", None, "pre", None, None, "equivocal")),
                (dict(ref="nprs", value="10"), ("nprs", None, "pre", 10, "points", None)),
                (dict(ref="nprs", value="6.5"), ("nprs", None, "pre", 6.5, "points", None)),
                (dict(ref="odi", value="100"), ("odi", None, "pre", 100, "percent", None)),
                (dict(ref="el_ext", side="L", value="-5"),
                 ("el_ext", "L", "pre", -5, "deg", None))):
            mid = self.room2.call(*self.words(**row))["measure_id"]
            got = {m["measure_id"]: m for m in self.room2.session(self.session)["measures"]}[mid]
            self.assertEqual(tuple(got[k] for k in ("ref", "side", "phase", "value", "unit",
                                                    "result")), shown)

    def test_rows_that_are_wrong(self):
        before = self.room2.session(self.session)["measures"]
        for row, status, says in (
                (dict(ref="cx_rott", side="L", value="52"), 66, "cx_rot"),
                (dict(ref="CX_ROT", side="L", value="52"), 66, "cx_rot"),
                (dict(ref="nothing_like_it", value="1"), 66, None),
                (dict(ref="cx_rot", value="52"), 65, "side"),
                (dict(ref="cx_rot", side="mid", value="52"), 65, "side"),
                (dict(ref="cx_rot", side="both", value="52"), 65, "side"),
                (dict(ref="cx_rot", side="left", value="52"), 64, "side"),
                (dict(ref="cx_rot", side="L", phase="before", value="52"), 64, "pre|mid|post"),
                (dict(ref="cx_rot", side="L", value="5200"), 65, "value"),
                (dict(ref="cx_rot", side="L", value="1e1"), 64, "number"),
                (dict(ref="cx_rot", side="L", value="1.2.3"), 64, "number"),
                (dict(ref="cx_rot", side="L", value="52.00001"), 65, "value"),
                (dict(ref="cx_rot", side="L", value="9" * 30), 65, "value"),
                (dict(ref="cx_rot", side="L", result="pos"), 65, "result"),
                (dict(ref="cx_rot", side="L", result="maybe"), 64, "pos|neg"),
                (dict(ref="cx_rot", side="L"), 64, "value"),
                (dict(ref="cx_rot", side="L", value="52", result="unable"), 64, "either"),
                (dict(ref="cx_spurling", side="L", value="1"), 65, None),
                (dict(ref="nprs", value="11"), 65, "value"),
                (dict(ref="nprs", value="-1"), 65, "value"),
                (dict(ref="nprs", result="neg"), 65, "result")):
            self.check_fault(self.room2.args(*self.words(**row)), status, says=says)
        self.assertEqual(self.room2.session(self.session)["measures"], before)


class Import(CliCase, SharedClinicTest):
    """The harbour data, dry and wet; broken copies; what is older than the room holds."""

    def copy(self, name, file=None, old=None, new=None):
        """A copy of the harbour folder, with one replacement."""
        folder = os.path.join(self.clinic.root, name)
        os.mkdir(folder)
        for entry in os.listdir(HARBOUR):
            with open(os.path.join(HARBOUR, entry)) as f:
                text = f.read()
            if entry == file:
                self.assertIn(old, text)
                text = text.replace(old, new, 1)
            with open(os.path.join(folder, entry), "w") as f:
                f.write(text)
        return folder

    def line_of(self, file, needle):
        with open(os.path.join(HARBOUR, file)) as f:
            return f.read().split(needle)[0].count("\n") + 1

    def test_import(self):
        before = self.clinic.status()["seq"]
        patients = len(self.room1.call("list", "patients")["patients"])
        cases = [
            ("patients.csv", "1987-03-14", "1987-02-31"),
            ("patients.csv", "Bernard Falk", "Ber\x07"),
            ("patients.csv", "p03,", "p02,"), ("patients.csv", "h02\n", "h02,more\n"),
            ("patients.csv", "household", "home"), ("patients.csv", "604-555-0103", "phoneless"),
            ("sessions.csv", "s002,p36", "s002,p99"), ("sessions.csv", "p36,jo", "p36,nobody"),
            ("sessions.csv", ",10:15,", ",25:15,"), ("sessions.csv", "s003,p11,mara,Room 2",
                                                    "s003,p11,mara,Room 9"),
            ("sessions.csv", "42 days.\",yes", "42 days.\",perhaps"),
            ("measures.csv", "s001,pre,wr_flex", "s001,pre,wr_fleks"),
            ("measures.csv", "s001,pre,nprs,,5", "s001,pre,nprs,,55"),
            ("measures.csv", "s001,pre,nprs,,5", "s999,pre,nprs,,5"),
            ("measures.csv", "wr_ext,R", "wr_ext,"), ("measures.csv", ",pos\n", ",posi\n")]
        for i, (file, old, new) in enumerate(cases):
            folder = self.copy("broken%d" % i, file, old, new)
            line = self.line_of(file, old) if new != "home" else 1
            for flags in ((), ("--dry-run",)):
                fault = self.refuse(self.room1, "import", folder, *flags, status=65,
                                    says="%s line %d" % (file, line))
                said = fault["message"] + str(fault["hint"])
                for word in ("Falk", "Adaeze", "phoneless", "1987", "forearm", "fleks"):
                    self.assertNotIn(word, said)
        os.remove(os.path.join(self.copy("fileless"), "measures.csv"))
        self.refuse(self.room1, "import", os.path.join(self.clinic.root, "fileless"), status=66,
                    says="measures.csv")
        self.refuse(self.room1, "import", "/nonexistent", status=66)
        self.refuse(self.room2, "import", HARBOUR, status=77)

        dry = self.room1.call("import", HARBOUR, "--dry-run")
        self.assertEqual(dry["schema"], "roomkeep.import/1")
        self.assertEqual((dry["patients"], dry["sessions"]), (40, 300))
        self.assertEqual(self.room1.status()["outbox"]["queued"], 0)
        self.assertEqual(self.clinic.status()["seq"], before)
        self.assertEqual(len(self.room1.call("list", "patients")["patients"]), patients)

        # A relative folder counts from where the person stands.
        done = subprocess.run(self.room1.args("import", "harbour"), capture_output=True, text=True,
                              cwd=os.path.dirname(os.path.normpath(HARBOUR)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.room1.sync(60)
        wet = json.loads(done.stdout)
        self.assertEqual({k: wet[k] for k in ("patients", "sessions", "measures")},
                         {k: dry[k] for k in ("patients", "sessions", "measures")})
        until("Room 2 has all patients",
              lambda: len(self.room2.call("list", "patients")["patients"]) == patients + 40)
        pid = self.room2.call("find", "patient", "Farid Haddadi")["patients"][0]["patient_id"]
        rows = self.room2.call("list", "sessions", "--patient", pid)["sessions"]
        self.assertGreaterEqual(len(rows), 5)
        self.assertEqual({r["state"] for r in rows}, {"signed"})
        shown = self.room2.session(rows[0]["session_id"])
        self.assertTrue(shown["measures"] and shown["subjective"])
        self.assertIn(shown["author"], ("jo", "mara"))
        self.assertEqual(self.clinic.check()["ok"], True)

    def test_what_the_room_does_not_hold_is_fetched(self):
        folder = os.path.join(self.clinic.root, "old")
        os.mkdir(folder)
        for name in ("patients", "sessions", "measures"):
            with open(os.path.join(HARBOUR, name + ".csv")) as f:
                head = f.readline()
            rows = {"patients": "p1,Olga Vane,,1950-01-01,,,h1\n",
                    "sessions": "a,p1,jo,Room 1,900,10:00,60,Long ago.,,,,yes\n"
                                "b,p1,jo,Room 1,3,10:00,60,Lately.,,,,yes\n",
                    "measures": "a,pre,nprs,,7,\n"}[name]
            with open(os.path.join(folder, name + ".csv"), "w") as f:
                f.write(head + rows)
        self.room1.call("import", folder)
        self.room1.sync()
        pid = until("Room 2 has Olga", lambda: self.room2.call("find", "patient", "Olga")
                    ["patients"])[0]["patient_id"]
        mine = self.room1.call("list", "sessions", "--patient", pid)["sessions"]
        self.assertEqual(len(mine), 2)
        old = min(mine, key=lambda s: s["started_at"])["session_id"]

        def lately():  # offline it answers with what it holds, and says so
            got = self.room2.call("list", "sessions", "--patient", pid)
            self.assertIs(got["partial"], True)
            return got["sessions"]
        until("the recent session was pushed", self.held)
        self.room2.proxy.cut()
        self.addCleanup(self.room2.proxy.heal)
        self.room2.wait_link("offline")
        self.assertEqual(len(lately()), 1)
        self.refuse(self.room2, "show", "session", old, status=66)
        self.room2.proxy.heal()
        self.room2.wait_link("online")
        until("signed in again", lambda: self.whole(pid))
        self.assertEqual(self.room2.session(old)["subjective"], "Long ago.")
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.assertEqual(len(lately()), 2)
        self.assertEqual(self.room2.session(old)["measures"][0]["value"], 7)
        self.room2.proxy.heal()
        self.room2.wait_link("online")

    def held(self):
        """Has the feed brought the recent session? The cursor says it without a fetch."""
        return self.room2.status()["cursor"]["seq"] >= self.clinic.status()["seq"]

    def whole(self, pid):
        got = self.room2.call("list", "sessions", "--patient", pid)
        return not got["partial"] and len(got["sessions"]) == 2


class Processes(CliCase, SharedClinicTest):
    """Agents and servers as processes: one each, ended by SIGTERM, refused twice."""

    def test_a_server_that_cannot_listen(self):
        other = os.path.join(self.clinic.root, "other")
        answer([ROOMKEEPD, "init", "--data", other, "--listen", self.clinic.address, "--json"])
        self.check_fault([ROOMKEEPD, "serve", "--data", other, "--json"], 75, code="busy",
                         says="another program listens on " + self.clinic.address)
        foreign = os.path.join(self.clinic.root, "foreign")
        answer([ROOMKEEPD, "init", "--data", foreign, "--listen", "203.0.113.7:7340", "--json"])
        self.check_fault([ROOMKEEPD, "serve", "--data", foreign, "--json"], 78,
                         code="no_such_address", says="203.0.113.7:7340")

    def test_one_agent_and_one_server(self):
        self.check_fault([ROOMKEEP, "serve", "--home", self.room1.home, "--json"], 69)
        fault = self.check_fault([ROOMKEEPD, "serve", "--data", self.clinic.data, "--json"], 75)
        self.assertIn("another server", fault["message"])
        self.assertEqual(self.room1.status()["link"], "online")
        self.assertEqual(self.clinic.status()["state"], "running")
        self.assertIn(run([ROOMKEEPD, "init", "--data", self.clinic.data, "--json"])[0], (1, 75))
        self.check_fault([ROOMKEEPD, "init", "--renew-code", "--data", self.clinic.data, "--json"],
                         1)

    def test_sockets_are_their_owner_s(self):
        for path in (os.path.join(self.clinic.data, "admin.sock"),
                     os.path.join(self.room1.home, "agent.sock")):
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600, path)

    def test_ready_is_all_there_is_on_stdout(self):
        self.room1.agent.stop()
        agent = subprocess.Popen([ROOMKEEP, "serve", "--home", self.room1.home],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.again)
        self.assertEqual(agent.stdout.readline(), "READY\n")
        agent.terminate()
        self.assertEqual(agent.communicate(timeout=WAIT_S)[0], "")
        self.assertEqual(agent.returncode, 0)

    def again(self):
        if not self.room1.agent.running():
            self.room1.serve()
        self.room1.sign_in("jo")

    def test_sigterm(self):
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.add_patient(self.room2, "Typed Offline")
        self.assertEqual(self.room2.agent.stop(), 0)
        self.assertFalse(os.path.exists(os.path.join(self.room2.home, "agent.sock")))
        self.check_fault(self.room2.args("status"), 69)
        self.room2.serve()
        status = self.room2.status()
        self.assertEqual((status["mode"], status["user"], status["outbox"]["queued"]),
                         ("courier", None, 1))
        self.refuse(self.room2, "list", "patients", status=77)
        got = self.refuse(self.room2, "sync", "--wait", "0", status=75)
        self.assertEqual(got["exit"], 75)
        self.room2.proxy.heal()
        self.room2.sync()

        self.assertEqual(self.clinic.server.stop(), 0)
        self.assertFalse(os.path.exists(os.path.join(self.clinic.data, "admin.sock")))
        self.assertEqual(self.clinic.status()["state"], "stopped")
        self.clinic.start()
        self.room2.wait_link("online")
        self.room2.sign_in("mara")
        self.assertTrue(self.room2.call("find", "patient", "Typed Offline")["patients"])
        self.room1.wait_link("online")


if __name__ == "__main__":
    unittest.main()
