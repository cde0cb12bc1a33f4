"""What leaves the clinic about one patient: the whole record, a letter, a receipt."""
import datetime
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

import fhir_check
from harness import SharedClinicTest, day

NOTE = "zebrafish: she has not told anybody"
OTHER_NOTE = "axolotl: about work"
DIRECT = {"alert": ("Flag", "AllergyIntolerance"), "episode": ("EpisodeOfCare",),
          "health_answer": ("Observation",), "consent": ("Consent",),
          "referral": ("ServiceRequest",), "appointment": ("Appointment",)}


def long_day(back):
    then = datetime.date.fromisoformat(day(back))
    return then.strftime("%d %B %Y").lstrip("0")


def pdf_text(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True,
                          text=True).stdout


class Export(SharedClinicTest):
    def setUp(self):
        super().setUp()
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def file(self, name):
        return os.path.join(self.folder, name)

    def add(self, kind, *words, stdin=""):
        return self.room2.call("add", kind, *words, stdin=stdin)["%s_id" % kind.replace("-", "_")]

    def visit(self, patient):
        session = self.start_session(self.room2, patient)
        self.room2.call("set", "session", session, "--subjective", "-",
                        stdin="Stiff neck. Her sister Ann drives too fast. Worse at night.")
        self.room2.call("set", "session", session, "--plan", "-", stdin="See again in a week.")
        turn = self.room2.call("add", "measure", "--session", session, "--ref", "cx_rot", "--side",
                               "L", "--phase", "pre", "--value", "50", "--method",
                               "goniometer")["measure_id"]
        self.room2.call("add", "measure", "--session", session, "--pair", turn, "--value", "64")
        self.room2.call("add", "measure", "--session", session, "--ref", "cx_spurling", "--side",
                        "L", "--phase", "pre", "--result", "neg")
        self.room2.call("add", "measure", "--session", session, "--ref", "mood", "--phase", "pre",
                        "--value", "2")
        self.fill(self.room2, session)
        self.room2.call("sign", "session", session)
        self.room2.call("add", "addendum", "--session", session, "-", stdin="Called, feels well.")
        return session

    def chart(self):
        """Maya with one of most things. Returns ids by name."""
        maya = self.add_patient(self.room2, "Maya Rowe")
        made = {"maya": maya, "session": self.visit(maya)}
        about = ("--patient", maya)
        made["allergy"] = self.add("alert", *about, "--kind", "allergy", "--text", "-",
                                   stdin="nut oil")
        self.add("alert", *about, "--kind", "precaution", "--text", "-", stdin="left wrist")
        self.add("episode", *about, "--complaint", "-", "--started", "2026-11-01",
                 stdin="neck pain")
        self.add("health-answer", *about, "--question", "headaches", "--answer", "yes",
                 "--asked-on", "2026-11-01", "--source", "patient")
        self.add("consent", *about, "--session", made["session"], "--area", "gluteal", "--answer",
                 "yes")
        self.room2.call("set", "preference", *about, "--pressure", "3")
        made["request"] = self.add("request", *about, "--kind", "correction", "--received-on",
                                   "2026-11-02")
        self.add("statement", *about, "--request", made["request"], "--text", "-", "--written-on",
                 "2026-11-03", stdin="It was the right side.")
        self.add("statement", *about, "--session", made["session"], "--text", "-", "--written-on",
                 "2026-11-03", stdin="I never said stiff.")
        made["note"] = self.room2.call("add", "note", *about, "-", stdin=NOTE)["note_id"]
        self.room2.call("add", "note", *about, "-", stdin=OTHER_NOTE)
        return made

    def link_to_ann(self, maya):
        ann = self.add_patient(self.room2, "Ann Rowe", "1990-01-01")
        self.add("family-link", "--patient", maya, "--relative", ann, "--kin", "sibling")
        return ann

    def export(self, patient, name, *words, **more):
        path = self.file(name)
        made = self.room2.call("export", "patient", patient, "--file", path, *words, **more)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, "rb") as f:
            return made, f.read()

    def as_json(self, patient, name, *words, **more):
        made, body = self.export(patient, name, "--as", "json", *words, **more)
        return made, json.loads(body)

    # -- the whole record ----------------------------------------------------------------------

    def check_counts(self, chart):
        """RULE 8: of each kind, read = printed + withheld, here and in what is there."""
        counts = {row["kind"]: row for row in chart["counts"]}
        for kind, row in counts.items():
            if row["read"] is not None:
                self.assertEqual(row["read"], row["printed"] + row["withheld"], kind)
        for kind, records in chart["records"].items():
            self.assertEqual(counts[kind]["printed"], len(records), kind)
        inside = [("measure", "measures"), ("addendum", "addenda"), ("late_change", "late_changes")]
        for kind, key in inside:
            self.assertEqual(counts[kind]["printed"], sum(len(s[key]) for s in chart["sessions"]))
        whole = [row for row in chart["withheld"] if row["field"] is None]
        for kind in {row["kind"] for row in whole}:
            said = sum(row["count"] for row in whole if row["kind"] == kind)
            self.assertEqual(counts[kind]["withheld"] or 0, said, kind)
        return counts

    def test_rule_8_withheld_lines_reconcile(self):
        made = self.chart()
        answer, chart = self.as_json(made["maya"], "a.json")
        self.assertEqual(chart["schema"], "roomkeep.patient_export/1")
        counts = self.check_counts(chart)
        self.assertEqual((answer["withheld_count"], answer["read"]), (0, answer["printed"]))
        self.assertEqual(counts["alert"]["read"], 2)
        self.assertEqual(counts["measure"]["read"], 4)
        self.assertEqual(counts["note"]["read"], 0)

        ann = self.link_to_ann(made["maya"])
        answer, chart = self.as_json(made["maya"], "b.json", "--names", "gap")
        counts = self.check_counts(chart)
        self.assertEqual((counts["family_link"]["read"], counts["family_link"]["printed"]), (1, 0))
        self.assertEqual(answer["withheld_count"], 1)
        self.assertEqual([(r["kind"], r["field"], r["count"], r["reason"])
                          for r in chart["withheld"]],
                         [("family_link", None, 1, "other_person"),
                          ("session", "subjective", 1, "other_person")])
        self.assertNotIn(ann, json.dumps(chart))

    def test_bc8_a_sentence_about_another_is_a_labelled_gap(self):
        made = self.chart()
        self.link_to_ann(made["maya"])
        refused = self.room2.refused("export", "patient", made["maya"], "--file",
                                     self.file("no.json"), "--as", "json")
        self.assertEqual((refused.status, refused.code), (77, "names_relative"))
        self.assertNotIn("Ann", refused.err)
        self.assertEqual(os.listdir(self.folder), [])
        _, chart = self.as_json(made["maya"], "gap.json", "--names", "gap")
        self.assertEqual(chart["sessions"][0]["subjective"],
                         "Stiff neck. [withheld: about another person] Worse at night.")
        _, chart = self.as_json(made["maya"], "whole.json", "--names", "not_them")
        self.assertIn("Her sister Ann drives", chart["sessions"][0]["subjective"])

    def test_bc8_marked_words_are_a_gap_for_the_patient_too(self):
        made = self.chart()
        about = ("--patient", made["maya"])
        mark = self.add("third-party-span", *about, "--session", made["session"], "--told-by",
                        "the_patient", "--about", "her sister", "--text", "-",
                        stdin="Her sister Ann drives too fast.")
        _, chart = self.as_json(made["maya"], "gap.json")
        self.assertEqual(chart["sessions"][0]["subjective"],
                         "Stiff neck. [withheld: about another person] Worse at night.")
        self.assertNotIn("drives", json.dumps(chart))
        self.assertEqual(chart["records"]["third_party_span"], [])
        self.check_counts(chart)
        self.assertIn("drives", self.room2.session(made["session"])["subjective"])  # kept here
        self.room2.call("set", "third-party-span", mark, "--ended-on", "2026-11-30")
        _, chart = self.as_json(made["maya"], "whole.json")
        self.assertIn("drives", chart["sessions"][0]["subjective"])

    def test_notes_only_when_their_author_names_them(self):
        made = self.chart()
        line = "Confidential notes, if any, are with their authors."
        _, body = self.export(made["maya"], "a.json", "--as", "json")
        self.assertNotIn(b"zebrafish", body)
        self.assertIn(line.encode(), body)
        _, chart = self.as_json(made["maya"], "b.json", "--note", made["note"])
        self.assertEqual([n["text"] for n in chart["notes"]], [NOTE])
        self.assertNotIn("axolotl", json.dumps(chart))
        self.room2.sync()
        other = self.room1.refused("export", "patient", made["maya"], "--file", self.file("c"),
                                   "--note", made["note"])
        self.assertEqual((other.status, other.code), (66, "not_found"))

    @unittest.skipUnless(shutil.which("pdftotext"), "no pdftotext (poppler-utils)")
    def test_the_record_for_people(self):
        made = self.chart()
        self.link_to_ann(made["maya"])
        answer, _ = self.export(made["maya"], "maya.pdf", "--names", "gap")
        text = pdf_text(self.file("maya.pdf"))
        info = subprocess.run(["pdfinfo", self.file("maya.pdf")], check=True, capture_output=True,
                              text=True).stdout
        self.assertRegex(info, r"Tagged: +yes")
        self.assertRegex(info, r"Title: +Patient record")
        self.assertIn("Page 1 of %d" % answer["pages"], text)
        self.assertEqual(len(re.findall("Maya Rowe", text)) >= answer["pages"], True)
        for words in ("[withheld: about another person]", "nut oil", "neck pain", "Called, feels",
                      "1 item withheld: family link, about another person", "64", "Mara Lind",
                      "Statement of disagreement", "I never said stiff.", "It was the right side.",
                      "Confidential notes, if any, are with their authors.", "Signed"):
            self.assertIn(words, text)
        self.assertRegex(text, r"Mood read.* low")
        self.assertNotRegex(text, r"Mood read.* 2 point")
        for words in ("zebrafish", "axolotl", "Ann drives", made["maya"]):
            self.assertNotIn(words, text)
        again = self.room2.refused("export", "patient", made["maya"], "--file",
                                   self.file("maya.pdf"), "--names", "gap")
        self.assertEqual((again.status, again.code), (1, "file_exists"))

    @unittest.skipUnless(shutil.which("npm") and shutil.which("node"),
                         "NO FHIR CHECK: node or npm is missing; ./dev test installs them")
    def test_the_record_as_fhir(self):
        made = self.chart()
        self.link_to_ann(made["maya"])
        _, chart = self.as_json(made["maya"], "maya.json", "--names", "gap", "--note",
                                made["note"])
        self.export(made["maya"], "maya.fhir", "--as", "fhir", "--names", "gap", "--note",
                    made["note"])
        checked = fhir_check.check(self.file("maya.fhir"))
        self.assertEqual(checked["messages"], [])
        self.assertTrue(checked["valid"])
        for kind in ("Patient", "Practitioner", "Encounter", "Observation", "Condition",
                     "EpisodeOfCare", "AllergyIntolerance", "Flag", "Consent", "CarePlan",
                     "Provenance", "Basic"):
            self.assertIn(kind, checked["types"])
        with open(self.file("maya.fhir"), encoding="utf-8") as f:
            bundle = json.load(f)
        self.check_bundle(bundle, chart)
        # And the checker sees what is wrong.
        seen = next(e for e in bundle["entry"] if e["resource"]["resourceType"] == "Observation")
        del seen["resource"]["status"]
        with open(self.file("broken.fhir"), "w", encoding="utf-8") as f:
            json.dump(bundle, f)
        self.assertFalse(fhir_check.check(self.file("broken.fhir"))["valid"])

    def check_bundle(self, bundle, chart):
        """Every record is a resource, every reference leads to one, no id stands twice."""
        urls = [entry["fullUrl"] for entry in bundle["entry"]]
        self.assertEqual(len(urls), len(set(urls)))
        for found in re.findall(r'"reference": ?"([^"]+)"', json.dumps(bundle)):
            self.assertIn(found, urls)
        ids = {entry["resource"]["id"]: entry["resource"]["resourceType"]
               for entry in bundle["entry"]}
        for kind, records in chart["records"].items():
            for record in records:
                own = record.get("%s_id" % kind)
                if own is None:
                    continue  # one per patient or session: a Basic with an id made of theirs
                self.assertIn(ids[own], DIRECT.get(kind, ("Basic",)), kind)
        for session in chart["sessions"]:
            self.assertEqual(ids[session["session_id"]], "Encounter")
            for measure in session["measures"]:
                self.assertEqual(ids[measure["measure_id"]], "Observation")
        codes = [entry["resource"]["code"]["coding"][0]["code"] for entry in bundle["entry"]
                 if entry["resource"]["resourceType"] == "Basic"]
        self.assertEqual(codes.count("count"), len(chart["counts"]))
        self.assertEqual(codes.count("withheld"), len(chart["withheld"]))
        self.assertEqual(codes.count("confidential_notes"), 1)

    # -- to whom -------------------------------------------------------------------------------

    def for_lawyer(self, made, name, signed_on, *words):
        return ("export", "patient", made["maya"], "--file", self.file(name), "--for", "Dana Quill",
                "--reason", "-", "--basis", "consent", *(("--consent-signed-on", signed_on)
                                                         if signed_on else ()), *words)

    def disclosures(self, made):
        return self.room2.call("list", "disclosures", "--patient", made["maya"])["disclosures"]

    def test_on4_a_release_consent_is_no_older_than_183_days(self):
        made = self.chart()
        self.room2.call("set", "patient-detail", "--patient", made["maya"], "--jurisdiction",
                        "ca_on")
        for signed_on in (None, "2020-01-01"):
            refused = self.room2.refused(*self.for_lawyer(made, "no.pdf", signed_on), stdin="claim")
            self.assertEqual((refused.status, refused.code), (65, "bad_value"))
            self.assertIn("consent_signed_on", refused.err)
        self.assertEqual((os.listdir(self.folder), self.disclosures(made)), ([], []))
        today = self.room2.call("show", "retention", "--patient", made["maya"])["last_entry"]
        answer = self.room2.call(*self.for_lawyer(made, "yes.pdf", today), stdin="her claim")
        rows = self.disclosures(made)
        self.assertEqual([(r["disclosure_id"], r["recipient"], r["basis"], r["what"],
                           r["consent_signed_on"]) for r in rows],
                         [(answer["disclosure_id"], "Dana Quill", "consent", "her claim", today)])
        # A file that is not written was not given.
        again = self.room2.refused(*self.for_lawyer(made, "yes.pdf", today), stdin="her claim")
        self.assertEqual((again.code, len(self.disclosures(made))), ("file_exists", 1))

    def test_what_the_patient_asked_to_withhold_stays_here(self):
        made = self.chart()
        asked = self.add("request", "--patient", made["maya"], "--kind", "restriction",
                         "--received-on", "2026-11-02", "--session", made["session"])
        self.room2.call("set", "request", asked, "--decision", "granted")
        answer = self.room2.call("export", "patient", made["maya"], "--file", self.file("a.json"),
                                 "--as", "json", "--for", "Dana Quill", "--reason", "-", "--basis",
                                 "care", stdin="care")
        with open(self.file("a.json"), encoding="utf-8") as f:
            chart = json.load(f)
        counts = self.check_counts(chart)
        self.assertEqual((chart["sessions"], counts["session"]["withheld"]), ([], 1))
        self.assertEqual(chart["withheld_line"],
                         "Information was withheld at the patient's request.")
        self.assertGreater(answer["withheld_count"], 0)
        self.assert_nothing_of_the_session(made, chart)
        _, own = self.as_json(made["maya"], "b.json")
        self.assertEqual((len(own["sessions"]), own["withheld_line"]), (1, None))

    def assert_nothing_of_the_session(self, made, chart):
        """Nor of what was written down in it: its fields, its consent."""
        self.check_counts(chart)
        self.assertEqual(chart["sessions"], [])
        for kind, records in chart["records"].items():
            for record in records:
                self.assertNotEqual(record.get("session_id"), made["session"], kind)
        self.assertGreater(len(chart["records"]["alert"]), 0)

    def directive(self, made, *words):
        return self.add("directive", "--patient", made["maya"], "--asked-by", "patient",
                        "--against", "recipient", "--recipient", "Harbour Mutual", *words)

    def given(self, made, name, recipient):
        return self.as_json(made["maya"], name, "--for", recipient, "--reason", "-", "--basis",
                            "care", stdin="care")[1]

    def test_on7_a_directive_against_who_is_to_get_it(self):
        made = self.chart()
        one = self.directive(made, "--scope", "item", "--item", made["session"])
        chart = self.given(made, "mutual.json", "HARBOUR  mutual")
        self.assert_nothing_of_the_session(made, chart)
        self.assertEqual(chart["records"]["directive"], [])
        self.assertEqual(chart["withheld_line"],
                         "Information was withheld at the patient's request.")
        other = self.given(made, "quill.json", "Dana Quill")
        self.assertEqual((len(other["sessions"]), other["records"]["directive"]), (1, []))
        _, own = self.as_json(made["maya"], "own.json")
        self.assertEqual((len(own["sessions"]), len(own["records"]["directive"])), (1, 1))
        self.add("directive-end", "--patient", made["maya"], "--directive", one, "--asked-by",
                 "patient")
        self.directive(made, "--scope", "sessions")
        self.assert_nothing_of_the_session(made, self.given(made, "all.json", "Harbour Mutual"))

    def test_on7_who_is_to_get_nothing_gets_nothing(self):
        made = self.chart()
        whole = self.directive(made, "--scope", "record")
        words = ("export", "patient", made["maya"], "--file", self.file("no.pdf"), "--for",
                 "Harbour Mutual", "--reason", "claim", "--basis", "care")
        refused = self.room2.refused(*words)
        self.assertEqual((refused.status, refused.code), (77, "withheld"))
        self.assertEqual(os.listdir(self.folder), [])
        self.assertEqual(self.disclosures(made), [])
        self.add("directive-end", "--patient", made["maya"], "--directive", whole, "--asked-by",
                 "patient")
        self.room2.call(*words)
        self.assertEqual([r["recipient"] for r in self.disclosures(made)], ["Harbour Mutual"])

    def test_on7_no_letter_to_who_is_to_get_nothing(self):
        made = self.chart()
        referral = self.referral(made, day(29))
        self.add("directive", "--patient", made["maya"], "--asked-by", "patient", "--against",
                 "recipient", "--recipient", "Dr Iris Tal", "--scope", "record")
        refused = self.room2.refused(*self.letter(referral, "no.pdf"))
        self.assertEqual((refused.status, refused.code), (77, "withheld"))
        self.assertEqual(os.listdir(self.folder), [])

    def test_wrong_calls_change_nothing(self):
        made = self.chart()
        for words, status in ((("--reason", "x"), 64), (("--for", "Dana"), 64),
                              (("--for", "Dana", "--reason", "x"), 64),
                              (("--note", made["maya"]), 66), (("--as", "docx"), 64)):
            refused = self.room2.refused("export", "patient", made["maya"], "--file",
                                         self.file("x"), *words)
            self.assertEqual(refused.status, status, words)
        self.assertEqual(os.listdir(self.folder), [])

    # -- a letter ------------------------------------------------------------------------------

    def referral(self, made, consent_on):
        provider = self.add("provider", "--name", "Dr Iris Tal", "--discipline", "physician")
        referral = self.add("referral", "--patient", made["maya"], "--state", "noticed",
                            "--noticed-on", day(29), "--provider", provider, "--ask", "-",
                            stdin="Please look at the left shoulder.")
        self.room2.call("set", "referral", referral, "--state", "discussed", "--discussed-on",
                        day(29))
        if consent_on:
            self.room2.call("set", "referral", referral, "--state", "consented", "--consent-on",
                            consent_on)
        return referral

    def letter(self, referral, name, *words):
        return ("export", "letter", referral, "--file", self.file(name), *words)

    @unittest.skipUnless(shutil.which("pdftotext"), "no pdftotext (poppler-utils)")
    def test_referral_49_the_letter(self):
        made = self.chart()
        self.link_to_ann(made["maya"])
        without = self.referral(made, None)
        refused = self.room2.refused(*self.letter(without, "no.pdf"))
        self.assertEqual((refused.status, refused.code), (65, "no_consent"))
        self.assertEqual(os.listdir(self.folder), [])
        referral = self.referral(made, day(29))
        self.room2.call(*self.letter(referral, "letter.pdf"))
        text = pdf_text(self.file("letter.pdf"))
        for words in ("Dr Iris Tal", "physician", "Maya Rowe", "left shoulder", "neck pain",
                      "Neck rotation, left", "50 degrees", "64 degrees", "negative", "Mara Lind",
                      "nut oil", "agreed to it on %s" % long_day(29), "Page 1 of 1"):
            self.assertIn(words, text)
        for words in ("zebrafish", "Mood", "Ann", "Stiff"):
            self.assertNotIn(words, text)
        self.assertEqual(self.disclosures(made), [])
        self.room2.call(*self.letter(referral, "given.pdf", "--given"))
        self.assertEqual([(r["recipient"], r["consent_signed_on"])
                          for r in self.disclosures(made)], [("Dr Iris Tal", day(29))])

    @unittest.skipUnless(shutil.which("pdftotext"), "no pdftotext (poppler-utils)")
    def test_referral_49_a_relative_in_the_letter_is_resolved_first(self):
        made = self.chart()
        self.link_to_ann(made["maya"])
        referral = self.referral(made, day(29))
        self.room2.call("set", "referral", referral, "--ask", "-",
                        stdin="Look at the shoulder. Her sister Ann had the same.")
        refused = self.room2.refused(*self.letter(referral, "no.pdf"))
        self.assertEqual((refused.status, refused.code), (77, "names_relative"))
        self.assertEqual(os.listdir(self.folder), [])
        self.room2.call(*self.letter(referral, "gap.pdf", "--names", "gap"))
        text = pdf_text(self.file("gap.pdf"))
        self.assertIn("Information about another person was withheld.", text)
        self.assertNotIn("Ann", text)

    def test_on4_a_letter_needs_a_consent_that_still_counts(self):
        made = self.chart()
        self.room2.call("set", "patient-detail", "--patient", made["maya"], "--jurisdiction",
                        "ca_on")
        provider = self.add("provider", "--name", "Dr Iris Tal", "--discipline", "physician")
        old = self.add("referral", "--patient", made["maya"], "--state", "noticed", "--noticed-on",
                       "2020-01-01", "--provider", provider, "--ask", "-", stdin="Please.")
        self.room2.call("set", "referral", old, "--state", "discussed", "--discussed-on",
                        "2020-01-01")
        self.room2.call("set", "referral", old, "--state", "consented", "--consent-on",
                        "2020-01-02")
        refused = self.room2.refused(*self.letter(old, "no.pdf"))
        self.assertEqual((refused.status, refused.code), (65, "consent_too_old"))

    # -- a student's ---------------------------------------------------------------------------

    @unittest.skipUnless(shutil.which("pdftotext"), "no pdftotext (poppler-utils)")
    def test_who_stands_by_a_students_session_is_named(self):
        self.clinic.add_user("Kim Ito", "kim", "student")
        maya = self.add_patient(self.room2)
        mara = next(u["user_id"] for u in self.room2.call("list", "users")["users"]
                    if u["login"] == "mara")
        self.room2.sync()
        self.room2.lock()
        self.room2.sign_in("kim")
        session = self.room2.call("start", "session", "--patient", maya, "--supervisor",
                                  mara)["session_id"]
        self.fill(self.room2, session)
        self.room2.call("sign", "session", session)
        self.room2.sync()
        self.room2.lock()
        self.room2.sign_in("mara")
        self.room2.sync()
        self.export(maya, "waiting.pdf")
        text = " ".join(pdf_text(self.file("waiting.pdf")).split())
        self.assertIn("Kim Ito, supervised by Mara Lind", text)
        self.assertIn("Mara Lind has not stood by it yet", text)
        self.room2.call("add", "cosign", "--patient", maya, "--session", session)
        self.export(maya, "signed.pdf")
        text = " ".join(pdf_text(self.file("signed.pdf")).split())
        self.assertIn("Mara Lind stands by it", text)
        _, bundle = self.export(maya, "signed.fhir", "--as", "fhir")
        encounter = next(e["resource"] for e in json.loads(bundle)["entry"]
                         if e["resource"]["resourceType"] == "Encounter")
        self.assertEqual([p.get("type", [{}])[0].get("text") for p in encounter["participant"]],
                         [None, "supervisor"])
        self.assertTrue(all("individual" in p for p in encounter["participant"]))
        if shutil.which("npm"):
            self.assertEqual(fhir_check.check(self.file("signed.fhir"))["messages"], [])

    # -- the wrong chart -----------------------------------------------------------------------

    def wrong_chart(self):
        """What Ben said stands on Maya's chart, in a session of its own, and is put right."""
        made = self.chart()
        made["ben"] = self.add_patient(self.room2, "Ben Holt", "1970-01-02")
        made["wrong"] = self.visit(made["maya"])
        about = ("--patient", made["maya"], "--session", made["wrong"])
        self.add("health-answer", *about, "--question", "medication", "--answer", "yes",
                 "--detail", "-", "--asked-on", "2026-11-01", "--source", "patient",
                 stdin="warfarin")
        self.add("promise", *about, "--text", "-", stdin="quokka stretches")
        made["mistaken"] = self.add("request", *about, "--kind", "correction", "--received-on",
                                    "2026-11-02", "--what", "-", stdin="I was not here.")
        made["misread"] = self.add("referral", *about, "--state", "noticed", "--noticed-on",
                                   "2026-11-01", "--ask", "-", stdin="His heart.")
        made["right"] = self.room2.call("correct", "session", made["wrong"], "--patient",
                                        made["ben"], "--reason", "-",
                                        stdin="it was Ben")["right_session_id"]
        return made

    def test_3g_a_session_of_somebody_else_is_counted_and_leaves_in_no_paper(self):
        made = self.wrong_chart()
        self.assertEqual(self.room2.session(made["wrong"])["entered_in_error"]["reason"],
                         "it was Ben")  # she who wrote it reads it
        _, chart = self.as_json(made["maya"], "maya.json")
        counts = self.check_counts(chart)
        self.assertEqual([s["session_id"] for s in chart["sessions"]], [made["session"]])
        self.assertEqual((counts["session"]["read"], counts["session"]["withheld"]), (2, 1))
        self.assertEqual([r["request_id"] for r in chart["records"]["request"]
                          if r["what"] == "I was not here."], [made["mistaken"]])
        why = {r["kind"]: r["words"] for r in chart["withheld"]
               if r["reason"] == "entered_in_error"}
        self.assertEqual(set(why.values()), {"entered in error on this chart"})
        self.assertLessEqual({"session", "health_answer", "promise", "misfiling"}, set(why))
        for words in ("warfarin", "quokka", "Ben", made["ben"], made["right"]):
            self.assertNotIn(words, json.dumps(chart))
        _, bundle = self.export(made["maya"], "maya.fhir", "--as", "fhir")
        self.assertNotIn(b"warfarin", bundle)
        _, his = self.as_json(made["ben"], "ben.json")
        self.assertEqual([s["session_id"] for s in his["sessions"]], [made["right"]])
        for words in ("warfarin", "quokka"):
            self.assertIn(words, json.dumps(his["records"]))
        refused = self.room2.refused("export", "receipt", made["wrong"], "--file",
                                     self.file("no.pdf"), "--amount", "95", "--currency", "CAD")
        self.assertEqual((refused.status, refused.code), (65, "entered_in_error"))

    @unittest.skipUnless(shutil.which("pdftotext"), "no pdftotext (poppler-utils)")
    def test_3g_no_letter_tells_of_it(self):
        made = self.wrong_chart()
        self.room2.call(*self.letter(self.referral(made, day(29)), "letter.pdf"))
        text = pdf_text(self.file("letter.pdf"))
        self.assertIn("nut oil", text)
        self.assertNotIn("warfarin", text)
        refused = self.room2.refused(*self.letter(made["misread"], "no.pdf"))
        self.assertEqual((refused.status, refused.code), (65, "entered_in_error"))

    def test_3g_what_the_patient_says_about_it_stays_in_sight(self):
        made = self.wrong_chart()
        self.room2.sync()
        self.room1.sync()
        listed = self.room1.call("list", "requests", "--patient", made["maya"])["requests"]
        self.assertIn(made["mistaken"], [r["request_id"] for r in listed])
        self.assertEqual(self.room1.session(made["wrong"])["entered_in_error"]["reason"], None)

    # -- a receipt -----------------------------------------------------------------------------

    def receipt(self, made, name, *words, amount="95.50", currency="CAD"):
        return ("export", "receipt", made["session"], "--file", self.file(name), "--amount", amount,
                "--currency", currency, "--minutes", "60", *words)

    @unittest.skipUnless(shutil.which("pdftotext"), "no pdftotext (poppler-utils)")
    def test_guard_6_a_receipt_has_no_complaint_and_no_notes(self):
        made = self.chart()
        refused = self.room2.refused(*self.receipt(made, "no.pdf"))
        self.assertEqual((refused.status, refused.code), (65, "no_registration"))
        users = self.room2.call("list", "users")["users"]
        mara = next(u["user_id"] for u in users if u["login"] == "mara")
        self.add("staff-profile", "--user", mara, "--registration-number", "RMT 04417")
        for more in ({"amount": "95.505"}, {"currency": "cad"}):
            refused = self.room2.refused(*self.receipt(made, "no.pdf", **more))
            self.assertEqual((refused.status, refused.code), (65, "bad_value"))
        self.assertEqual(os.listdir(self.folder), [])
        self.room1.call("add", "clinic-profile", "--jurisdiction", "ca_on", "--tax-number",
                        "GST 88120", "--address", "-", stdin="12 Quay Street")
        self.room1.sync()
        self.room2.sync()
        kept = self.room2.call("show", "retention", "--patient", made["maya"])
        self.assertEqual(kept["jurisdictions"], ["ca-on"])
        self.room2.call("set", "patient-detail", "--patient", made["maya"], "--insurer-numbers",
                        "Coast Mutual 0451-22")
        made["number"] = self.room2.call(*self.receipt(made, "r.pdf", "--payer",
                                                       "Tom Rowe"))["number"]
        text = pdf_text(self.file("r.pdf"))
        for words in ("Receipt", "Maya Rowe", "95.50 CAD", "60 minutes", "Mara Lind", "RMT 04417",
                      "Tom Rowe", "Massage therapy", "Coast Mutual 0451-22",
                      "12 Quay Street", "GST 88120", made["number"]):
            self.assertIn(words, text)
        for words in ("neck", "Stiff", "zebrafish", "50 degrees"):
            self.assertNotIn(words, text)
        copy = self.room2.call(*self.receipt(made, "copy.pdf"))
        self.assertEqual(copy["number"], made["number"])


if __name__ == "__main__":
    unittest.main()
