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


if __name__ == "__main__":
    unittest.main()
