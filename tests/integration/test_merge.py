"""One person who was entered twice (DOMAIN 4.1): both charts are read as one, in every room, until
that is taken back; nothing is moved."""
import json
import os
import shutil
import unittest

import fhir_check
from harness import ClinicTest


class Merge(ClinicTest):
    def setUp(self):
        super().setUp()
        self.maya = self.person("Maya Rowe", "nuts", 50)
        self.twice = self.person("Maja Row", "latex", 64)
        self.room2.call("set", "patient", self.twice, "--phone", "604-555-0199")
        self.room2.call("set", "comfort", "--patient", self.twice, "--therapist-gender",
                        "prefers_woman")
        self.room2.call("set", "preference", "--patient", self.twice, "--pressure", "2", "--talk",
                        "quiet")
        self.room2.call("set", "preference", "--patient", self.maya, "--pressure", "4")
        self.sync()

    def sync(self):
        self.room2.sync()
        self.room1.sync()

    def person(self, name, allergy, degrees):
        """Somebody with a visit, an allergy and a note."""
        patient = self.add_patient(self.room2, name)
        session = self.start_session(self.room2, patient)
        self.room2.call("add", "measure", "--session", session, "--ref", "cx_rot", "--side", "L",
                        "--phase", "pre", "--value", str(degrees), "--method", "goniometer")
        self.room2.call("add", "alert", "--patient", patient, "--kind", "allergy", "--text", "-",
                        stdin=allergy)
        self.room2.call("add", "note", "--patient", patient, "-", stdin="about " + name)
        return patient

    def merge(self, room):
        made = room.call("add", "patient-merge", "--patient", self.twice, "--into", self.maya)
        self.sync()
        return made["patient_merge_id"]

    def names(self, room, *words):
        return [p["name"] for p in room.call(*words)["patients"]]

    def seen(self, room, patient):
        """What a chart shows: visits, allergies, points of progress, notes."""
        alerts = room.call("list", "alerts", "--patient", patient)["alerts"]
        progress = room.call("show", "progress", "--patient", patient)["series"]
        return (len(room.call("list", "sessions", "--patient", patient)["sessions"]),
                sorted(a["text"] for a in alerts),
                sum(len(s["visits"]) for s in progress),
                len(room.call("list", "notes", "--patient", patient)["notes"]))

    def test_both_charts_are_one_until_that_is_taken_back(self):
        self.assertEqual(self.seen(self.room2, self.maya), (1, ["nuts"], 1, 1))
        merge = self.merge(self.room1)
        for room in (self.room1, self.room2):
            self.assertEqual(self.names(room, "list", "patients"), ["Maya Rowe"])
            for text in ("Maja", "0199", "Rowe"):  # by either name, and by the old number
                self.assertEqual(self.names(room, "find", "patient", text), ["Maya Rowe"], text)
        self.assertEqual(self.seen(self.room2, self.maya), (2, ["latex", "nuts"], 2, 2))
        self.assertEqual(self.seen(self.room2, self.twice), (1, ["latex"], 1, 1))
        shown = self.room2.call("show", "patient", self.maya)
        self.assertEqual([(m["patient_id"], m["name"]) for m in shown["merged"]],
                         [(self.twice, "Maja Row")])
        self.assertIsNone(shown["merged_into"])
        self.assertEqual(self.room2.call("show", "patient", self.twice)["merged_into"], self.maya)
        self.assertTrue(self.clinic.check()["ok"])

        self.room1.call("set", "patient-merge", merge, "--ended-on", "2026-11-30")
        self.sync()
        self.assertEqual(sorted(self.names(self.room2, "list", "patients")),
                         ["Maja Row", "Maya Rowe"])
        self.assertEqual(self.seen(self.room2, self.maya), (1, ["nuts"], 1, 1))
        self.assertEqual(self.seen(self.room2, self.twice), (1, ["latex"], 1, 1))

    def test_what_is_missing_is_taken_over(self):
        self.merge(self.room2)
        shown = self.room1.call("show", "patient", self.maya)
        self.assertEqual(shown["phone"], "604-555-0199")
        comfort = self.room2.call("show", "comfort", "--patient", self.maya)
        self.assertEqual(comfort["therapist_gender"], "prefers_woman")
        prefers = self.room2.call("show", "preference", "--patient", self.maya)
        self.assertEqual((prefers["pressure"], prefers["talk"]), (4, "quiet"))  # hers holds

    def test_nothing_new_goes_into_the_other(self):
        self.merge(self.room2)
        refusals = [("start", "session", "--patient", self.twice),
                    ("add", "alert", "--patient", self.twice, "--kind", "allergy", "--text", "x"),
                    ("add", "note", "--patient", self.twice, "x"),
                    ("add", "patient-merge", "--patient", self.twice, "--into", self.maya)]
        for words in refusals:
            refused = self.room2.refused(*words)
            self.assertEqual((refused.status, refused.code), (1, "merged"), words)
            self.assertIn(self.maya, refused.error["hint"])
        again = self.room2.call("add", "patient", "--name", "Maja Row", "--born", "1988-04-02")
        self.assertEqual([w["patient_id"] for w in again["warnings"]
                          if w["code"] == "possible_duplicate"], [self.maya])

    def test_wrong_merges_make_nothing(self):
        for into, status in ((self.twice, 65), ("01a20b7c-c27a-73bc-9514-f03fa89e0055", 66)):
            refused = self.room2.refused("add", "patient-merge", "--patient", self.twice, "--into",
                                         into)
            self.assertEqual(refused.status, status)
        self.assertEqual(len(self.names(self.room2, "list", "patients")), 2)

    def test_a_relative_of_the_other_is_guarded_here(self):
        tom = self.add_patient(self.room2, "Tom Rowe", "1980-01-01")
        self.room2.call("add", "family-link", "--patient", self.twice, "--relative", tom, "--kin",
                        "spouse")
        self.room2.call("add", "family-link", "--patient", self.twice, "--relative", self.maya,
                        "--kin", "sibling")  # so it seemed
        self.assertIsNotNone(self.room2.call("show", "patient", self.maya)["guard"]["band"])
        self.merge(self.room2)
        band = self.room2.call("show", "patient", self.maya)["guard"]["band"]
        self.assertIn("spouse", band)
        self.assertNotIn("sibling", band)
        self.assertIn("spouse", self.room2.call("show", "patient", tom)["guard"]["band"])

    def test_the_export_holds_both(self):
        self.merge(self.room2)
        path = os.path.join(self.clinic.root, "maya.json")
        self.room2.call("export", "patient", self.maya, "--file", path, "--as", "json")
        with open(path, encoding="utf-8") as f:
            chart = json.load(f)
        self.assertEqual(len(chart["sessions"]), 2)
        self.assertEqual(sorted(a["text"] for a in chart["records"]["alert"]), ["latex", "nuts"])
        self.assertEqual([p["name"] for p in chart["patient"]["merged"]], ["Maja Row"])

    def test_the_bundle_says_which_chart_was_replaced(self):
        self.merge(self.room2)
        path = os.path.join(self.clinic.root, "maya.fhir")
        self.room2.call("export", "patient", self.maya, "--file", path, "--as", "fhir")
        with open(path, encoding="utf-8") as f:
            entries = json.load(f)["entry"]
        url = {e["resource"]["id"]: e["fullUrl"] for e in entries}
        people = {e["resource"]["id"]: e["resource"] for e in entries
                  if e["resource"]["resourceType"] == "Patient"}
        self.assertEqual(set(people), {self.maya, self.twice})
        links = {name: [(k["type"], k["other"]["reference"]) for k in people[name]["link"]]
                 for name in people}
        self.assertEqual(links, {self.maya: [("replaces", url[self.twice])],
                                 self.twice: [("replaced-by", url[self.maya])]})
        self.assertFalse(people[self.twice]["active"])
        for entry in entries:  # both histories are the chart's that stays
            subject = entry["resource"].get("subject", {}).get("reference", url[self.maya])
            self.assertEqual(subject, url[self.maya])
        if shutil.which("npm"):
            checked = fhir_check.check(path)
            self.assertEqual((checked["messages"], checked["valid"]), ([], True))


if __name__ == "__main__":
    unittest.main()
