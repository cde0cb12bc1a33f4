"""Two visits as they are charted, and the welcome card between them: whole, offline, and with
nothing on it that is a secret of somebody."""
import json
import os
import secrets
import unittest

from harness import ClinicTest, day, run, until

HARBOUR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/harbour")


class Card(ClinicTest):
    def card(self, room, patient):
        return room.call("show", "card", "--patient", patient)

    def text_of(self, room, patient):
        words = [w for w in room.args("show", "card", "--patient", patient) if w != "--json"]
        status, out, err = run(words)
        self.assertEqual(status, 0, err)
        return out

    def import_visit(self):
        """Maya was here three weeks ago, as the record before Roomkeep said."""
        rows = {"patients": "p1,Maya Rowe,May,1988-04-02,,,h1\n",
                "sessions": "a,p1,mara,Room 2,21,10:00,60,Stiff neck.,,,"
                            "Recheck left rotation.,yes\n",
                "measures": "a,pre,cx_rot,L,52,\na,post,cx_rot,L,66,\n"}
        folder = os.path.join(self.clinic.root, "before")
        os.mkdir(folder)
        for name, lines in rows.items():
            with open(os.path.join(HARBOUR, name + ".csv")) as f:
                head = f.readline()
            with open(os.path.join(folder, name + ".csv"), "w") as f:
                f.write(head + lines)
        self.room1.call("import", folder)
        self.room1.sync()
        return until("Room 2 has Maya", lambda: self.room2.call("find", "patient", "Maya")
                     ["patients"])[0]["patient_id"]

    def add(self, kind, *flags, **more):
        return self.room2.call("add", kind, "--patient", self.patient, *flags, **more)

    def first_visit(self):
        room = self.room2
        room.call("set", "patient-detail", "--patient", self.patient, "--pronounced-as", "MY-a")
        room.call("set", "preference", "--patient", self.patient, "--pressure", "3", "--talk",
                  "quiet")
        self.add("alert", "--kind", "allergy", "--text", "-", stdin="latex")
        self.add("promise", "--text", "-", "--due", day(-7), stdin="bring the stretch sheet")
        self.add("talk-about", "--text", "-", "--heard-on", day(21), "--ok-to-mention", "yes",
                 stdin="race in spring")
        self.add("talk-about", "--text", "-", "--heard-on", day(21), stdin="not to be mentioned")
        self.add("talk-about", "--text", "-", "--heard-on", day(300), "--ok-to-mention", "yes",
                 stdin="long over")
        past = room.call("list", "sessions", "--patient", self.patient)["sessions"][0]["session_id"]
        self.add("mood-read", "--session", past, "--when", "departure", "--spirits", "low",
                 "--energy", "tired", "--source", "my_read", "--lifted", "music")
        return past

    def second_visit(self):
        session = self.start_session(self.room2, self.patient)
        consent = self.add("consent", "--session", session, "--area", "abdomen",
                           "--purpose-explained", "yes", "--may-stop-explained", "yes",
                           "--answer", "yes")["consent_id"]
        self.assertEqual(self.card(self.room2, self.patient)["consent"], [])
        self.room2.call("set", "consent", consent, "--withdrawn")
        shown = self.room2.call("show", "consent", consent)
        self.assertEqual(shown["answer"], "withdrawn")
        self.assertGreaterEqual(shown["withdrawn_at"], shown["answered_at"])
        self.add("mood-read", "--session", session, "--when", "arrival", "--spirits", "very_low",
                 "--source", "patient_said")
        return session

    def test_two_visits_and_the_card_between_them(self):
        self.patient = self.import_visit()
        past = self.first_visit()
        self.second_visit()
        canary = "canary-" + secrets.token_hex(12)
        self.add("note", "-", stdin=canary)
        hints = self.add("promise", "--text", "-", stdin="ask about the divorce")["hints"]
        self.assertEqual(hints, [{"field": "text", "code": "divorce", "asks_note": True,
                                  "asks_safety": False}])
        online = self.card(self.room2, self.patient)
        self.room2.sync()
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        card = self.card(self.room2, self.patient)
        self.assertEqual({k: v for k, v in card.items() if k != "partial"},
                         {k: v for k, v in online.items() if k != "partial"})
        self.assertEqual((card["schema"], card["partial"]), ("roomkeep.card/1", True))
        self.assertEqual((card["name_used"], card["pronounced_as"]), ("May", "MY-a"))
        self.assertEqual((card["visit"], card["first_visit"]), (2, False))
        self.assertEqual(card["last_visit"]["session_id"], past)
        self.assertEqual(card["last_visit"]["plan"], "Recheck left rotation.")
        self.assertEqual([p["text"] for p in card["promises"]],
                         ["bring the stretch sheet", "ask about the divorce"])
        self.assertEqual([(t["text"], t["by"]) for t in card["talk_about"]],
                         [("race in spring", "mara")])
        self.assertEqual([(a["kind"], a["text"]) for a in card["take_care"]],
                         [("allergy", "latex")])
        self.assertEqual([(c["area"], c["state"]) for c in card["consent"]],
                         [("abdomen", "withdrawn")])
        self.assertEqual((card["last_mood"]["spirits"], card["last_mood"]["energy"]),
                         ("low", "tired"))
        self.assertEqual(card["mood_prompts"][0], "Music helped last time.")
        self.assertEqual((card["preference"]["talk"], card["own_notes"]), ("quiet", 1))

        text = self.text_of(self.room2, self.patient)
        for line in ("WELCOME       May (Maya Rowe), say MY-a", "TAKE CARE     Allergy: latex",
                     "VISIT         2, last on %s with mara" % day(21),
                     "CAME FOR      Stiff neck.", "PROMISED      bring the stretch sheet (by ",
                     "PROOF         Neck rotation, left 52 -> 66 deg: improved",
                     "ASK ABOUT     race in spring (%s, mara)" % day(21),
                     "COMFORT       pressure 3; talk quiet",
                     "LAST LEFT     low in spirits, tired",
                     "CONSENT       abdomen: withdrawn, %s" % day(0),
                     "TODAY         Music helped last time.",
                     "NOTES         1 confidential of your own"):
            self.assertIn(line, text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)
        for secret in (canary, "not to be mentioned", "long over"):
            self.assertNotIn(secret, text + json.dumps(card))

    def sessions(self, room, *flags):
        return room.call("list", "sessions", "--patient", self.patient, *flags)

    def test_a_chart_opens_in_a_room_that_does_not_hold_it(self):
        """60 visits, the newest two years ago: none of them comes to Room 2 by itself."""
        days = [1500 - 12 * i for i in range(60)]
        folder = os.path.join(self.clinic.root, "old")
        os.mkdir(folder)
        rows = {"patients": ["p1,Olga Vane,,1950-01-01,,,h1"],
                "sessions": ["v%d,p1,jo,Room 1,%d,10:00,60,Visit %d.,,,,yes" % (i, ago, i)
                             for i, ago in enumerate(days)],
                "measures": ["v%d,%s,cx_rot,L,%d," % (59, phase, value)
                             for phase, value in (("pre", 52), ("post", 66))]}
        for name, lines in rows.items():
            with open(os.path.join(HARBOUR, name + ".csv")) as f:
                head = f.readline()
            with open(os.path.join(folder, name + ".csv"), "w") as f:
                f.write(head + "".join(line + "\n" for line in lines))
        self.room1.call("import", folder)
        self.room1.sync()
        self.patient = until("Room 2 has Olga", lambda: self.room2.call("find", "patient", "Olga")
                             ["patients"])[0]["patient_id"]
        until("Room 2 has all that the feed brings", lambda: self.room2.status()["cursor"]["seq"]
              >= self.clinic.status()["seq"])

        card = self.card(self.room2, self.patient)
        self.assertEqual((card["visit"], card["first_visit"], card["partial"]), (61, False, False))
        self.assertEqual(card["last_visit"]["subjective"], "Visit 59.")
        self.assertEqual(len(card["proof"]), 1)
        self.assertEqual(card["visit"], self.card(self.room1, self.patient)["visit"])
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        held = self.sessions(self.room2)
        self.assertEqual((len(held["sessions"]), held["more"], held["partial"]), (8, 52, True))
        self.assertEqual(self.card(self.room2, self.patient)["visit"], 61)
        self.room2.proxy.heal()
        until("Room 2 is signed in again",
              lambda: not self.sessions(self.room2, "--limit", "8")["partial"])

        all_of = self.sessions(self.room1, "--all")
        self.assertEqual((len(all_of["sessions"]), all_of["more"]), (60, 0))
        some = self.sessions(self.room2)
        self.assertEqual((some["sessions"], some["more"]), (all_of["sessions"][10:], 10))
        status, out, _ = run([w for w in self.room2.args("list", "sessions", "--patient",
                                                         self.patient) if w != "--json"])
        self.assertEqual((status, out.splitlines()[-1]), (0, "10 older; --all lists them too."))
        status, _, err = run(self.room2.args("list", "sessions", "--patient", self.patient,
                                             "--limit", "0"))
        self.assertEqual(status, 64, err)
        whole = self.sessions(self.room2, "--all")
        self.assertEqual((whole["sessions"], whole["more"]), (all_of["sessions"], 0))
        first = whole["sessions"][0]["session_id"]
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.assertEqual(self.room2.session(first)["subjective"], "Visit 0.")
        self.room2.proxy.heal()

    def test_each_reads_their_own_card(self):
        self.patient = self.import_visit()
        self.first_visit()
        canary = "canary-" + secrets.token_hex(12)
        self.add("note", "-", stdin=canary)
        self.room2.sync()

        def arrived():
            return len(self.card(self.room1, self.patient)["promises"]) == 1
        until("Room 1 has what Mara wrote", arrived)
        jo = self.card(self.room1, self.patient)
        self.assertEqual((jo["own_notes"], jo["talk_about"][0]["by"]), (0, "mara"))
        self.assertNotIn(canary, json.dumps(jo) + self.text_of(self.room1, self.patient))
        self.room2.lock()
        self.room2.sign_in("sam")
        fault = self.room2.refused("show", "card", "--patient", self.patient)
        self.assertEqual((fault.status, fault.code), (77, "denied"))
        self.assertEqual(self.room2.refused("list", "mood-reads", "--patient", self.patient).status,
                         77)

    def test_words_for_a_note_are_asked_about_beside_the_answer(self):
        self.patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, self.patient)
        words = self.room2.args("set", "session", session, "--plan", "-")
        status, out, err = run([w for w in words if w != "--json"], "ask about the divorce")
        self.assertEqual((status, out), (0, "Changed session %s.\n" % session))
        self.assertEqual(err, "Plan, Divorce: does it belong in a confidential note?\n")
        with open(self.room2.log) as f:
            self.assertNotIn("divorce", f.read())

    def test_who_stays_away(self):
        self.patient = self.import_visit()
        watch = self.room2.call("list", "watch")
        self.assertEqual((watch["schema"], watch["left_out"]), ("roomkeep.watch/1", 0))
        self.assertEqual(watch["patients"], [])  # the one visit was 21 days ago: not yet
        rows = "sessions.csv"
        folder = os.path.join(self.clinic.root, "before")
        with open(os.path.join(folder, "measures.csv")) as f:
            head = f.readline()
        with open(os.path.join(folder, "measures.csv"), "w") as f:
            f.write(head)
        with open(os.path.join(folder, "patients.csv"), "a") as f:
            f.write("p2,Olga Vane,,1950-01-01,,,h2\n")
        with open(os.path.join(folder, rows)) as f:
            head = f.readline()
        with open(os.path.join(folder, rows), "w") as f:
            f.write(head)
            for i, ago in enumerate((40, 30, 20, 10 + 9)):
                f.write("v%d,p2,mara,Room 2,%d,10:00,60,Back.,,,,yes\n" % (i, ago))
        self.room1.call("import", folder)
        self.room1.sync()
        olga = until("Room 2 has Olga", lambda: self.room2.call("find", "patient", "Olga")
                     ["patients"])[0]["patient_id"]
        row = self.room2.call("list", "watch")["patients"][0]
        self.assertEqual((row["patient_id"], row["name"], row["step"], row["last_visit"],
                          row["therapist"], row["may_touch"]),
                         (olga, "Olga Vane", "cooling", day(19), "mara", True))
        self.assertIn("the last visit was 19 days ago", row["text"])
        self.assertEqual(row["reasons"][0]["code"], "last_visit")
        self.patient = olga
        self.add("touch", "--what", "personal_call", "--on", day(0))
        self.room2.sync()
        row = self.room2.call("list", "watch")["patients"][0]
        self.assertIs(row["may_touch"], False)
        status, out, _ = run([w for w in self.room2.args("list", "watch") if w != "--json"])
        self.assertEqual(status, 0)
        self.assertIn("Olga Vane", out)
        self.assertIn("roomkeep add touch", out)
        self.assertEqual(self.room1.call("list", "watch")["patients"], [])  # she is not Jo's
        self.room2.lock()
        self.room2.sign_in("sam")
        self.assertEqual(self.room2.call("list", "watch")["patients"][0]["step"], "cooling")
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.assertEqual(self.room2.refused("list", "watch").status, 69)

    def test_a_touch_is_refused_in_words(self):
        self.patient = self.add_patient(self.room2)
        touch = ("touch", "--what", "short_message", "--on", day(0))
        fault = self.room2.refused("add", touch[0], "--patient", self.patient, *touch[1:])
        self.assertEqual((fault.status, fault.code), (65, "no_consent"))
        self.room2.call("set", "patient-detail", "--patient", self.patient, "--message-ok", "yes")
        self.add(*touch)
        fault = self.room2.refused("add", "touch", "--patient", self.patient, "--what",
                                   "personal_call", "--on", day(-59))
        self.assertEqual((fault.status, fault.code), (65, "too_soon"))
        self.assertIn(day(0), fault.err)
        self.assertIn("From " + day(-60), fault.err)


if __name__ == "__main__":
    unittest.main()
