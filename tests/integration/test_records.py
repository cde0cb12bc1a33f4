"""Plain records from the command line: every kind that the help lists, room to server to room."""
import re
import unittest

from harness import ClinicTest, ROOMKEEP, run, until

FLAG = re.compile(r"^  --(\S+) (\S+) +(.*)$", re.M)


def record_commands():
    """{"alert": ["add alert", "set alert", ...]}: the help's section of records."""
    section = run([ROOMKEEP, "--help"])[1].split("\nRecords\n")[1].split("\n\n")[0]
    kinds = {}
    for line in section.splitlines():
        kinds[line.split()[0]] = line.rsplit(": ", 1)[1].split(", ")
    return kinds


def flags_of(command):
    """[(flag, meta, help)] of the command's own flags, in its order."""
    text = run([ROOMKEEP, *command.split(), "--help"])[1].split("Every command takes")[0]
    return FLAG.findall(text)


def value_of(flag, meta, words, step):
    """A good value for a flag, its place in the answer, and what stands there."""
    key = flag.replace("-", "_")
    many = "repeatable" in words
    if meta == "WORD":
        choices = re.sub(r"; repeatable|\(needed\)", "", words.rsplit(": ", 1)[1])
        word = [c.strip() for c in choices.split(",")][step % 2]
        return word, key, [word] if many else word
    if meta == "yes|no":
        return ("yes", "no")[step % 2], key, step % 2 == 0
    if meta == "TIME":
        return "2026-12-0%dT10:00:00Z" % (1 + step), key, "2026-12-0%dT10:00:00.000Z" % (1 + step)
    if meta == "HH:MM":
        clock = "%d:0%d" % (17 if flag == "closes" else 10, step)
        return clock, key, clock
    if flag == "minutes":
        return str(30 + step), key, 30 + step
    if meta == "N":
        return str(1 + step), key, 1 + step
    if meta == "TIME":
        at = "2026-1%d-02T10:00:00.000Z" % (step if "withdrawn" in words else 0)
        return at, key, at
    if meta == "YYYY-MM-DD":
        year = 2020 if flag == "started" else 2026  # nothing ends before it began
        day = "%d-0%d-02" % (year, 1 + step)
        return day, key, day
    text = "%s nº %d" % (flag, step)
    if re.search("telephone|telefax", words):
        text = "555-019%d" % step
    elif "e-mail" in words:
        text = "p%d@example.org" % step
    return text, key, [text] if many else text


def first_command(noun, commands):
    """What makes one: add, or set where a patient has one of it."""
    return ("add " if "add " + noun in commands else "set ") + noun


def dict_of(command):
    return {flag: (meta, words) for flag, meta, words in flags_of(command)}


class Records(ClinicTest):
    def make(self, room, command, which, step):
        """Runs it with a value for every flag. Returns the answer and what must be shown."""
        args, expected = [], {}
        for flag, meta, words in flags_of(command):
            if meta == "ID" and "(needed)" in words and flag in self.ids:
                args += ["--" + flag, self.ids[flag]]
                expected[flag + "_id"] = self.ids[flag]
            if meta == "ID" or flag == "clear":
                continue
            value, key, shown = value_of(flag, meta, words, step)
            args += ["--" + flag, value]
            expected[key] = shown
        return room.call(*command.split(), *which, *self.relative, *args), expected

    def wait_shown(self, room, noun, which, expected):
        def look():
            status, out, err = run(room.args("show", noun, *which))
            if status == 66:
                return False
            self.assertEqual(status, 0, err)
            shown = room.call("show", noun, *which)
            return {k: shown.get(k) for k in expected} == expected
        until("%s is shown there" % noun, look)

    # Each names another record, may not be read by who made it, or makes one chart of two: see
    # test_trust.py and test_merge.py.
    LEANING = ("directive", "directive-end", "review-mark", "cosign", "patient-merge")

    def test_every_kind_travels(self):
        patient = self.add_patient(self.room2)
        relative = self.add_patient(self.room2, "Ben Rowe")
        self.room2.sync()
        mara = next(u["user_id"] for u in self.room1.call("list", "users")["users"]
                    if u["login"] == "mara")
        room = self.room1.call("list", "rooms")["rooms"][0]["room_id"]
        session = self.start_session(self.room2, patient)
        self.ids = {"therapist": mara, "user": mara, "room": room, "session": session}
        kinds = record_commands()
        self.assertGreaterEqual(len(kinds), 6)
        self.assertLess(set(self.LEANING), set(kinds))
        for noun, commands in kinds.items():
            if noun in self.LEANING:
                continue
            with self.subTest(kind=noun):
                one = "add " + noun not in commands
                add = first_command(noun, commands)
                of = ["--patient", patient] if "patient" in dict_of(add) else []
                own = "(needed)" in dict_of(add).get("session", ("", ""))[1]  # its therapist's
                other = [f for f in dict_of(add) if f in ("relative", "to")]
                self.relative = ["--" + other[0], relative] if other else []
                made, expected = self.make(self.room2, add, of, 0)
                self.room2.sync()
                which = of if one else [made[noun.replace("-", "_") + "_id"]]
                self.wait_shown(self.room1, noun, which, expected)
                if "set " + noun in commands:
                    self.relative = []
                    here, there = (self.room2, self.room1)[::1 if own else -1]
                    expected = self.make(here, "set " + noun, which, 1)[1]
                    here.sync()
                    self.wait_shown(there, noun, which, expected)
                if not one:
                    many = next(c for c in commands if c.startswith("list ")).split()[1]
                    of = ["--session", session] if own else of
                    rows = self.room2.call("list", many, *of)
                    self.assertEqual(len(rows[many.replace("-", "_")]), 1)
                listed = [] if one else [["list", many, *of]]
                for words in [["show", noun, *which], *listed]:
                    status, out, err = run([a for a in self.room1.args(*words) if a != "--json"])
                    self.assertEqual((status, err), (0, ""))
                    self.assertIn(patient if one else which[0], out)
        for room in (self.room1, self.room2):
            self.assertEqual({op["state"] for op in room.pending()}, {"committed"})
        self.assertEqual(self.clinic.check()["ok"], True)

    def test_apart_both_rooms_add_and_change(self):
        patient = self.add_patient(self.room1)
        self.room1.sync()
        alert = self.room1.call("add", "alert", "--patient", patient, "--kind", "allergy", "--text",
                                "-", stdin="latex\n")["alert_id"]
        self.room1.sync()
        self.wait_shown(self.room2, "alert", [alert], {"text": "latex"})
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.room1.call("set", "alert", alert, "--ended", "2026-12-01")
        self.room2.call("set", "alert", alert, "--text", "latex, even gloves")
        again = self.room2.call("add", "alert", "--patient", patient, "--kind", "allergy",
                                "--text", "latex")["alert_id"]
        self.room1.sync()
        self.room2.proxy.heal()
        self.room2.sync()
        both = {"text": "latex, even gloves", "ended": "2026-12-01"}
        for room in (self.room1, self.room2):
            self.wait_shown(room, "alert", [alert], both)
            self.wait_shown(room, "alert", [again], {"text": "latex", "ended": None})
            self.assertEqual(len(room.call("show", "alert", alert)["history"]), 3)

    def test_wrong_records_are_refused_in_words(self):
        patient = self.add_patient(self.room2)
        fault = self.room2.refused("add", "health-answer", "--patient", patient, "--question",
                                   "diabetes", "--answer", "no", "--asked-on", "2026-02-30",
                                   "--source", "form")
        self.assertEqual((fault.status, fault.code), (65, "bad_value"))
        self.assertIn("asked_on", fault.err)
        self.assertIn("YYYY-MM-DD", fault.err)
        fault = self.room2.refused("add", "alert", "--patient", patient, "--kind", "allergie",
                                   "--text", "x")
        self.assertEqual(fault.status, 64)
        self.assertIn("contraindication_absolute|contraindication_local|precaution", fault.err)
        nowhere = "00000000-0000-7000-8000-000000000000"
        self.assertEqual(self.room2.refused("show", "alert", nowhere).status, 66)
        self.assertEqual(self.room2.refused("set", "comfort", "--patient", nowhere, "--chaperone",
                                            "yes").status, 66)

    def test_the_desk_reads_nothing_clinical(self):
        patient = self.add_patient(self.room2)
        self.room2.call("set", "preference", "--patient", patient, "--pressure", "3")
        self.room2.call("set", "comfort", "--patient", patient, "--chaperone", "yes")
        self.room2.sync()
        self.room2.lock()
        self.room2.sign_in("sam")
        self.wait_shown(self.room2, "comfort", ["--patient", patient], {"chaperone": True})
        for words in (("show", "preference"), ("list", "alerts"), ("list", "health-answers")):
            self.assertEqual(self.room2.refused(*words, "--patient", patient).status, 77, words)


if __name__ == "__main__":
    unittest.main()
