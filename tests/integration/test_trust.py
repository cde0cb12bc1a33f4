"""Trust, end to end: referrals with timers, requests with a clock, the guard of relatives."""
import datetime
import unittest

from harness import ClinicTest, run


def day(back):
    return (datetime.date.today() - datetime.timedelta(days=back)).isoformat()


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


if __name__ == "__main__":
    unittest.main()
