"""Trust, end to end: referrals with timers, requests with a clock, the guard of relatives."""
import contextlib
import os
import sqlite3
import unittest

from harness import ClinicTest, day, run, until

DIRECTIVE_HIT, BREAKGLASS = 23, 24


class Referrals(ClinicTest):
    def test_an_overdue_referral_is_listed_in_every_room(self):
        patient = self.add_patient(self.room2)
        made = self.room2.call("add", "referral", "--patient", patient, "--state", "noticed",
                               "--noticed-on", day(3), "--red-flag", "yes", "--ask", "-",
                               stdin="night pain\n")
        self.room2.sync()
        self.room1.sync()
        late = self.room1.call("list", "referrals", "--overdue")["referrals"]
        self.assertEqual([r["referral_id"] for r in late], [made["referral_id"]])
        self.assertEqual(late[0]["waiting"], "a red flag is to be sent on the day it is noticed: "
                         "3 days overdue")
        self.assertEqual(late[0]["overdue_since"], day(2))
        out = run([a for a in self.room1.args("list", "referrals") if a != "--json"])[1]
        self.assertIn("3 days overdue", out)
        fault = self.room1.refused("set", "referral", made["referral_id"], "--state", "sent",
                                   "--sent-on", day(0))
        self.assertEqual(fault.status, 65)
        self.assertIn("after noticed comes discussed or declined", fault.err)


    def test_a_red_flag_offers_the_referral(self):
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.assertEqual(self.room2.call("set", "session", session, "--red-flags",
                                         "clear")["prompts"], [])
        positive = self.room2.call("add", "measure", "--session", session, "--ref",
                                   "cx_lhermitte", "--phase", "pre", "--result", "pos")
        self.assertEqual(positive["prompts"][0]["alert"], "refer")
        found = self.room2.call("set", "session", session, "--red-flags", "flagged")
        offer = found["prompts"][0]["referral"]
        self.assertEqual(offer, positive["prompts"][0]["referral"])
        self.assertEqual(offer, {"patient_id": patient, "session_id": session,
                                 "state": "noticed", "noticed_on": day(0), "red_flag": True})
        self.room2.call("add", "referral", "--patient", patient, "--session", session, "--state",
                        offer["state"], "--noticed-on", offer["noticed_on"], "--red-flag", "yes",
                        "--ask", "-", stdin="night pain\n")
        # Once it is open it is not offered again; the alert of the test stays.
        self.assertEqual(self.room2.call("set", "session", session, "--red-flags",
                                         "flagged")["prompts"], [])
        again = self.room2.call("add", "measure", "--session", session, "--ref",
                                "cx_lhermitte", "--phase", "pre", "--result", "pos")
        self.assertEqual([p["referral"] for p in again["prompts"]], [None])


class Requests(ClinicTest):
    def test_a_request_is_due_and_a_refusal_needs_its_annotation(self):
        patient = self.add_patient(self.room2)
        self.room2.call("set", "patient-detail", "--patient", patient, "--jurisdiction", "ca_on")
        made = self.room2.call("add", "request", "--patient", patient, "--kind", "correction",
                               "--received-on", day(31), "--what", "-", stdin="it was the left\n")
        request = made["request_id"]
        fault = self.room2.refused("set", "request", request, "--decision", "refused")
        self.assertEqual(fault.status, 65)
        self.assertIn("annotation", fault.err)
        self.room2.sync()
        self.room1.sync()
        late = self.room1.call("list", "requests", "--overdue")["requests"]
        self.assertEqual([(r["request_id"], r["due_on"], r["light"]) for r in late],
                         [(request, day(1), "overdue")])
        self.room2.call("set", "request", request, "--decision", "refused", "--annotation",
                        "asked for: left", "--sent-on", day(0))
        self.room2.call("add", "statement", "--patient", patient, "--request", request, "--text",
                        "-", "--written-on", day(0), stdin="I know which side hurts\n")
        self.assertEqual(self.room2.call("list", "requests", "--overdue")["requests"], [])
        out = run([a for a in self.room2.args("show", "request", request) if a != "--json"])[1]
        self.assertIn("The patient disagrees\n  %s: I know which side hurts" % day(0), out)
        kept = self.room2.call("show", "retention", "--patient", patient)
        self.assertEqual((kept["rule"], kept["may_dispose"]), ("ON2", False))


class Guard(ClinicTest):
    READS = (("show", "patient"), ("list", "desk-family-links"), ("list", "sharing-grants"),
             ("show", "comfort"))

    def read(self, room, patient):
        """Every chart read of the desk, as the bytes that were printed."""
        out = []
        for words in self.READS:
            which = [patient] if words == ("show", "patient") else ["--patient", patient]
            status, text, err = run(room.args(*words, *which))
            self.assertEqual((status, err), (0, ""))
            out.append(text)
        return out

    def test_a_relative_stays_unknown_to_who_may_not_know(self):
        maya = self.add_patient(self.room1)
        ben = self.add_patient(self.room1, "Ben Rowe")
        self.room1.sync()
        self.room2.lock()
        self.room2.sign_in("sam")
        self.room2.sync()
        self.room2.call("show", "patient", ben)
        before = self.read(self.room2, maya)
        self.room1.call("add", "family-link", "--patient", maya, "--relative", ben, "--kin",
                        "spouse")
        self.room1.sync()
        self.room2.sync()
        self.assertEqual(self.read(self.room2, maya), before)
        self.assertEqual(self.room2.refused("list", "family-links", "--patient", maya).status, 77)
        # Who treats knows of it, from both charts, with the wall between them.
        first = self.room1.call("show", "patient", maya)["guard"]
        self.assertIn("spouse", first["band"])
        self.assertFalse(first["wall"])
        second = self.room1.call("show", "patient", ben)["guard"]
        self.assertTrue(second["wall"])
        self.assertEqual(second["wall_ms"], 2000)
        session = self.start_session(self.room1, maya)
        hints = self.room1.call("set", "session", session, "--subjective", "-",
                                stdin="Ben snores\n")["hints"]
        self.assertEqual([(h["kind"], h["field"], h["start"]) for h in hints],
                         [("relative", "subjective", 0)])

    def test_a_shared_contact_says_the_same_to_who_may_not_know(self):
        maya = self.add_patient(self.room1)
        ben = self.add_patient(self.room1, "Ben Rowe")
        for patient in (maya, ben):
            self.room1.call("set", "patient", patient, "--phone", "604 555 0123")
        self.room1.sync()
        self.room2.lock()
        self.room2.sign_in("sam")
        self.room2.sync()
        before = self.read(self.room2, maya)
        self.assertIn("a reminder would reveal this visit", before[0])
        self.room1.call("add", "family-link", "--patient", maya, "--relative", ben, "--kin",
                        "former")
        self.room1.sync()
        self.room2.sync()
        self.assertEqual(self.read(self.room2, maya), before)
        # Who may know is told more, and a split pair gets no contact in common.
        words = self.room1.call("show", "patient", maya)["guard"]["reminder_words"]
        self.assertIn("must not meet", words)
        fault = self.room1.refused("set", "patient", maya, "--phone", "(604) 555-0123")
        self.assertEqual((fault.status, fault.code), (65, "split"))

    def test_two_who_must_not_meet_get_no_hour_in_common(self):
        maya = self.add_patient(self.room1)
        ben = self.add_patient(self.room1, "Ben Rowe")
        users = {u["login"]: u["user_id"] for u in self.room1.call("list", "users")["users"]}
        place = self.room1.call("list", "rooms")["rooms"][0]["room_id"]
        self.room1.call("add", "family-link", "--patient", maya, "--relative", ben, "--kin",
                        "former")

        def book(room, patient, who, start):
            words = room.args("add", "appointment", "--patient", patient, "--room", place,
                              "--therapist", users[who], "--starts-at", "2027-03-01T%s:00Z" % start,
                              "--minutes", "60")
            return run(words)

        self.assertEqual(book(self.room1, maya, "jo", "10:00")[0], 0)
        self.room1.sync()
        status, _, err = book(self.room1, ben, "mara", "11:30")
        self.assertNotEqual(status, 0)
        self.assertIn("must not meet", err)
        self.assertNotIn("Maya", err)
        # The desk does not know of the two; the server refuses it as any other clash.
        self.room2.lock()
        self.room2.sign_in("sam")
        self.room2.sync()
        self.assertEqual(book(self.room2, ben, "mara", "11:30")[0], 0)
        self.room2.sync()
        until("it is refused", lambda: self.room2.status()["outbox"]["rejected"] == 1)
        self.assertEqual(book(self.room2, ben, "mara", "13:00")[0], 0)
        self.room2.sync()
        self.assertEqual(self.room2.status()["outbox"]["rejected"], 1)

    def test_who_opened_two_charts_of_a_family_is_listed_for_the_owner(self):
        maya = self.add_patient(self.room1)
        ben = self.add_patient(self.room1, "Ben Rowe")
        self.room1.call("add", "family-link", "--patient", maya, "--relative", ben, "--kin",
                        "spouse")
        self.room1.sync()
        self.room2.sync()
        for patient in (maya, ben):
            self.room2.call("show", "patient", patient)
        self.room2.sync()
        rows = self.room1.call("list", "reviews")["reviews"]
        self.assertEqual([(r["kind"], r["staff"], r["count"]) for r in rows],
                         [("family_charts", "mara", 1)])
        self.assertNotIn(maya, str(rows))
        self.assertEqual(self.room2.refused("list", "reviews").status, 77)


class LockBox(ClinicTest):
    def events(self):
        """The log's events by number, oldest first."""
        path = os.path.join(self.clinic.data, "clinic.db")
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True)) as db:
            bodies = [body for body, in db.execute("SELECT body FROM audit ORDER BY seq")]
        at = len(b"crs1/audit-row")
        found = []
        for body in bodies:
            start = body.index(b"crs1/audit-row") + at + 4
            found.append(int.from_bytes(body[start:start + 8], "big"))
        return found

    def user(self, login):
        users = self.room1.call("list", "users")["users"]
        return next(u["user_id"] for u in users if u["login"] == login)

    def setUp(self):
        super().setUp()
        self.maya = self.add_patient(self.room1)
        self.session = self.start_session(self.room1, self.maya)
        self.room1.call("set", "session", self.session, "--subjective", "-", stdin="sore\n")
        self.fill(self.room1, self.session)
        self.room1.call("sign", "session", self.session)
        self.room1.call("add", "alert", "--patient", self.maya, "--kind", "allergy", "--text", "-",
                        stdin="nuts\n")
        self.room1.sync()
        self.room2.sync()
        self.assertEqual(self.room2.session(self.session)["subjective"], "sore")

    def direct(self, *flags):
        made = self.room1.call("add", "directive", "--patient", self.maya, *flags)
        self.room1.sync()
        return made["directive_id"]

    def alerts(self, room):
        return room.call("list", "alerts", "--patient", self.maya)

    def wait_withheld(self, room=None):
        until("it is withheld", lambda: "withheld" in self.alerts(room or self.room2))

    def test_ON7_one_record_says_that_it_is_withheld(self):
        alert = self.alerts(self.room2)["alerts"][0]["alert_id"]
        self.room2.call("show", "alert", alert)
        self.direct("--scope", "item", "--item", alert, "--against", "person", "--user",
                    self.user("mara"))
        self.wait_withheld()
        refused = self.room2.refused("show", "alert", alert)
        self.assertEqual((refused.status, refused.code), (77, "withheld"))
        self.assertIn("information withheld at the patient's request", refused.err)
        self.assertIn("roomkeep open withheld", refused.err)
        self.assertEqual(self.room2.refused("set", "alert", alert, "--text", "-",
                                            stdin="none\n").code, "withheld")
        self.room1.call("show", "alert", alert)

    def test_ON7_a_record_withheld_from_one_person(self):
        alert = self.alerts(self.room2)["alerts"][0]["alert_id"]
        self.direct("--scope", "record", "--against", "person", "--user", self.user("mara"))
        self.wait_withheld()
        seen = self.alerts(self.room2)
        self.assertEqual(seen["alerts"], [])
        self.assertEqual(seen["withheld"], {
            "words": "information withheld at the patient's request", "count": 1, "whole": True})
        shown = self.room2.session(self.session)
        self.assertEqual((shown["state"], shown["subjective"]), ("withheld", None))
        sessions = self.room2.call("list", "sessions", "--patient", self.maya)
        self.assertEqual([s["state"] for s in sessions["sessions"]], ["withheld"])
        out = run([a for a in self.room2.args("list", "alerts", "--patient", self.maya)
                   if a != "--json"])[1]
        self.assertIn("Withheld: information withheld at the patient's request", out)
        # Whom it is against does not see the directive; the others see both.
        directives = self.room2.call("list", "directives", "--patient", self.maya)
        self.assertEqual(directives["directives"], [])
        # By its id it is not known to be hers: nobody is told that there is no such record.
        unknown = self.room2.refused("show", "alert", alert)
        self.assertEqual(unknown.status, 66)
        self.assertIn("at the request of 1 patient; it may be part of that", unknown.err)
        self.assertNotIn("withheld", self.alerts(self.room1))
        self.assertEqual(len(self.alerts(self.room1)["alerts"]), 1)
        # Not a byte of it is left in the room, and the attempt is written down.
        self.room2.sync()
        self.assertIn(DIRECTIVE_HIT, self.events())

    def test_ON7_recording_goes_on_and_an_end_brings_all_back(self):
        made = self.direct("--scope", "record", "--against", "person", "--user",
                           self.user("mara"))
        self.wait_withheld()
        mine = self.start_session(self.room2, self.maya)
        self.room2.call("set", "session", mine, "--subjective", "-", stdin="better\n")
        self.assertEqual(self.room2.session(mine)["subjective"], "better")
        self.fill(self.room2, mine)
        self.room2.call("sign", "session", mine)
        self.assertEqual(self.room2.session(mine)["state"], "signed")
        self.room1.call("add", "directive-end", "--patient", self.maya, "--directive", made)
        self.room1.sync()
        until("it is back", lambda: len(self.alerts(self.room2)["alerts"]) == 1)
        self.assertNotIn("withheld", self.alerts(self.room2))
        self.assertEqual(self.room2.session(self.session)["subjective"], "sore")
        self.clinic.check()

    def test_ON7_one_session_only_and_own_words_from_before(self):
        own = self.start_session(self.room2, self.maya)
        self.room2.call("set", "session", own, "--plan", "-", stdin="rest\n")
        self.fill(self.room2, own)
        self.room2.call("sign", "session", own)
        self.room2.sync()
        self.room1.sync()
        self.direct("--scope", "item", "--item", own, "--against", "person", "--user",
                    self.user("mara"))
        until("it is withheld", lambda: self.room2.session(own)["state"] == "withheld")
        self.assertEqual(self.room2.session(own)["plan"], None)
        self.assertEqual(self.room2.session(self.session)["subjective"], "sore")
        self.assertEqual(len(self.alerts(self.room2)["alerts"]), 1)

    def test_ON8_two_reasons_an_hour_a_notice_and_a_review(self):
        self.direct("--scope", "record", "--against", "role", "--role", "therapist")
        self.wait_withheld()
        refused = self.room2.refused("open", "withheld", self.maya, "--reason", "curiosity",
                                     "--text", "x")
        self.assertEqual(refused.status, 64)
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        refused = self.room2.refused("open", "withheld", self.maya, "--reason", "emergency",
                                     "--text", "-", stdin="collapsed\n")
        self.assertEqual((refused.status, refused.code), (69, "offline"))
        self.assertEqual(self.room2.call("list", "overrides", "--patient", self.maya)["overrides"],
                         [])
        self.room2.proxy.heal()
        self.room2.wait_link("online")
        made = self.room2.call("open", "withheld", self.maya, "--reason", "emergency", "--text",
                               "-", stdin="collapsed\n")
        until("it is open", lambda: len(self.alerts(self.room2)["alerts"]) == 1)
        self.assertIn("opened_until", self.alerts(self.room2))
        self.assertIn(BREAKGLASS, self.events())
        waiting = self.room2.call("list", "overrides", "--patient", self.maya)["overrides"]
        self.assertEqual([(o["reason"], o["waiting"]) for o in waiting],
                         [("emergency", "the patient is not told")])
        self.room2.call("set", "override", made["override_id"], "--told-on", day(0))
        self.room2.sync()
        # Somebody else looks at it; who did it, does not.
        row = self.room1.call("list", "reviews")["reviews"][0]
        self.assertEqual((row["kind"], row["staff"], row["reason"], row["told"], row["outcome"]),
                         ("override", "mara", "emergency", True, None))
        refused = self.room2.refused("add", "review-mark", "--override", made["override_id"],
                                     "--outcome", "justified", "--reviewed-on", day(0))
        self.assertEqual(refused.status, 77)
        self.room1.call("add", "review-mark", "--override", made["override_id"], "--outcome",
                        "justified", "--reviewed-on", day(0))
        self.room1.sync()
        row = self.room1.call("list", "reviews")["reviews"][0]
        self.assertEqual(row["outcome"], "justified")


class Audit(ClinicTest):
    def openings(self, room, patient):
        return room.call("list", "audit", "--patient", patient)["openings"]

    def test_who_opened_my_chart(self):
        maya = self.add_patient(self.room1)
        ben = self.add_patient(self.room1, "Ben Rowe")
        session = self.start_session(self.room1, maya)
        self.room1.sync()
        until("the session is in room 2", lambda: run(
            self.room2.args("show", "session", session))[0] == 0)
        self.room2.call("show", "card", "--patient", maya)
        self.room2.sync()
        rows = [(r["staff"], r["what"]) for r in self.openings(self.room1, maya)]
        # Newest first; each chart is written down once in a quarter of an hour.
        self.assertEqual([r for r in rows if r[0] == "mara"],
                         [("mara", "chart"), ("mara", "session")])
        times = [r["at"] for r in self.openings(self.room1, maya)]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertEqual([r for r in self.openings(self.room2, ben) if r["staff"] == "mara"], [])
        out = run([a for a in self.room1.args("list", "audit", "--patient", maya)
                   if a != "--json"])[1]
        self.assertIn("mara", out)
        refused = self.room1.refused("list", "audit", "--patient",
                                     "01a0c450-0000-7000-8000-000000000001")
        self.assertEqual(refused.status, 66)
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.assertEqual(self.room2.refused("list", "audit", "--patient", maya).status, 69)
        self.room2.proxy.heal()
        self.room2.wait_link("online")
        self.room2.lock()
        self.room2.sign_in("sam")
        self.assertEqual(self.room2.refused("list", "audit", "--patient", maya).status, 77)

    def test_whom_the_patient_keeps_out_is_not_told_who_reads(self):
        maya = self.add_patient(self.room1)
        mara = next(u["user_id"] for u in self.room1.call("list", "users")["users"]
                    if u["login"] == "mara")
        self.room1.sync()
        until("the patient is in room 2", lambda: run(
            self.room2.args("list", "audit", "--patient", maya))[0] == 0)
        self.room1.call("add", "directive", "--patient", maya, "--scope", "record", "--against",
                        "person", "--user", mara, "--asked-by", "patient")
        self.room1.sync()
        self.assertEqual(self.room2.refused("list", "audit", "--patient", maya).status, 77)


class Roles(ClinicTest):
    def test_a_student_signs_and_the_supervisor_stands_by_it(self):
        self.clinic.add_user("Kim Ito", "kim", "student")
        maya = self.add_patient(self.room1)
        self.room1.sync()
        mara = next(u["user_id"] for u in self.room1.call("list", "users")["users"]
                    if u["login"] == "mara")
        self.room1.lock()
        self.room1.sign_in("kim")
        refused = self.room1.refused("start", "session", "--patient", maya)
        self.assertEqual(refused.status, 65)
        session = self.room1.call("start", "session", "--patient", maya, "--supervisor",
                                  mara)["session_id"]
        self.room1.call("set", "session", session, "--subjective", "-", stdin="sore\n")
        self.fill(self.room1, session)
        self.assertEqual(self.room1.call("sign", "session", session)["state"], "to_cosign")
        refused = self.room1.refused("add", "cosign", "--patient", maya, "--session", session)
        self.assertEqual(refused.status, 77)
        self.room1.sync()
        self.room2.sync()
        self.assertEqual(self.room2.session(session)["state"], "to_cosign")
        work = self.room2.call("list", "sessions", "--unsigned")["sessions"]
        self.assertEqual([(s["session_id"], s["state"], s["author"]) for s in work],
                         [(session, "to_cosign", "kim")])
        self.room2.call("add", "cosign", "--patient", maya, "--session", session)
        self.assertEqual(self.room2.session(session)["state"], "signed")
        self.assertEqual(self.room2.call("list", "sessions", "--unsigned")["sessions"], [])
        self.room2.sync()
        self.room1.sync()
        self.assertEqual(self.room1.session(session)["state"], "signed")

    def test_a_lead_reads_charts_and_reviews_and_writes_no_notes(self):
        self.clinic.add_user("Lou Berg", "lou", "lead")
        maya = self.add_patient(self.room1)
        session = self.start_session(self.room1, maya)
        self.room1.sync()
        self.room2.lock()
        self.room2.sign_in("lou")
        self.room2.sync()
        self.assertEqual(self.room2.session(session)["state"], "draft")
        # On the wrong chart: its author and the lead read it, marked (3g).
        self.room1.call("set", "session", session, "--subjective", "-", stdin="sore\n")
        self.room1.call("correct", "session", session, "--patient",
                        self.add_patient(self.room1, "Ben Holt"), "--reason", "-",
                        stdin="it was Ben\n")
        self.room1.sync()
        until("Lou reads it", lambda: self.room2.session(session)["entered_in_error"])
        shown = self.room2.session(session)
        self.assertEqual((shown["subjective"], shown["entered_in_error"]["reason"]),
                         ("sore", "it was Ben"))
        self.assertEqual(self.room2.call("list", "reviews")["reviews"], [])
        refused = self.room2.refused("add", "note", "--patient", maya, "-", stdin="x\n")
        self.assertEqual(refused.status, 77)


if __name__ == "__main__":
    unittest.main()
