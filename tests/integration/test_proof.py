"""Assessments as proof: two visits, measures before, between and after, and the patient's page."""
import os
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import ROOMKEEP, ClinicTest, run

MARKER = "zebrafish secret"


def pdf_text(path):
    return subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True,
                          text=True).stdout


class Proof(ClinicTest):
    def measure(self, session, *words, stdin=""):
        return self.room2.call("add", "measure", "--session", session, *words, stdin=stdin)

    def in_words(self, *words):
        """What a person sees: standard output and standard error."""
        status, out, err = run([ROOMKEEP, *words, "--home", self.room2.home])
        self.assertEqual(status, 0, err)
        return out, err

    def turn(self, session, value):
        return self.measure(session, "--ref", "cx_rot", "--side", "L", "--phase", "pre",
                            "--value", str(value), "--mode", "active", "--position", "seated",
                            "--method", "goniometer", "--pain", "5", "--end-feel", "firm",
                            "--limited-by", "-", stdin="limited by a pull\n")["measure_id"]

    def visit(self, patient, before, between, after):
        """Three pre measures, a mid and two posts; one is left out. Signed at the end."""
        session = self.start_session(self.room2, patient)
        turn = self.turn(session, before)
        pain = self.measure(session, "--ref", "nprs", "--phase", "pre", "--value", "6")
        self.measure(session, "--ref", "cx_spurling", "--side", "L", "--phase", "pre", "--result",
                     "neg")
        self.measure(session, "--ref", "mood", "--phase", "pre", "--value", "2")
        self.measure(session, "--pair", turn, "--phase", "mid", "--value", str(between))
        post = self.measure(session, "--pair", turn, "--value", str(after), "--pain", "2")
        self.measure(session, "--pair", pain["measure_id"], "--value", "3")
        self.measure(session, "--ref", "mood", "--phase", "post", "--value", "5")
        self.fill(self.room2, session)
        signed = self.room2.call("sign", "session", session)
        self.assertEqual([(w["code"], w["ref"]) for w in signed["warnings"]],
                         [("not_again", "cx_spurling")])
        self.assertEqual(signed["state"], "signed")
        return session, post["change"]

    def two_visits(self):
        patient = self.add_patient(self.room2, "Maya Rowe")
        self.add_patient(self.room2, "Zacharias Otherman", "1970-01-01")
        self.room2.call("add", "note", "--patient", patient, "-", stdin=MARKER)
        first, change = self.visit(patient, 40, 50, 60)
        self.assertEqual(change["state"], "improved")
        self.assertEqual((change["delta"], change["error"], change["pain_delta"]), (20, 6, 3))
        self.assertEqual(change["text"],
                         "You turned 20 degrees further; the measure is good to about 6.")
        second, change = self.visit(patient, 50, 52, 54)
        self.assertEqual(change["state"], "within_error")
        self.room2.sync()
        return patient, first, second

    def test_two_visits_become_a_series_in_the_other_room(self):
        patient, first, second = self.two_visits()
        progress = self.room1.call("show", "progress", "--patient", patient)
        self.assertEqual((progress["schema"], progress["visits"], progress["partial"]),
                         ("roomkeep.progress/1", 2, False))
        turn = next(s for s in progress["series"] if s["ref"] == "cx_rot")
        self.assertEqual([v["session_id"] for v in turn["visits"]], [first, second])
        self.assertEqual([(v["pre"]["value"], v["mid"]["value"], v["post"]["value"],
                           v["change"]["state"], v["kept_percent"]) for v in turn["visits"]],
                         [(40, 50, 60, "improved", None), (50, 52, 54, "within_error", 50)])
        self.assertEqual((turn["whole"]["state"], turn["whole"]["delta"]), ("improved", 14))
        mood = next(s for s in progress["series"] if s["ref"] == "mood")
        self.assertEqual(mood["visits"][0]["change"]["why"], "never_proof")

        shown = self.room1.session(second)
        self.assertEqual(shown["assessments"]["tested"], 3)
        self.assertEqual(shown["assessments"]["again"], 2)
        self.assertEqual([r["ref"] for r in shown["assessments"]["not_again"]], ["cx_spurling"])
        self.assertEqual(shown["signature"], "holds")
        tests = self.room1.call("list", "tests", "--patient", patient, "--region", "neck")["tests"]
        self.assertEqual([(t["ref"], t["from_last"]) for t in tests[:3]],
                         [("cx_rot", True), ("nprs", True), ("cx_spurling", True)])
        self.assertEqual(self.clinic.check()["ok"], True)

    def test_a_person_reads_it_in_the_terminal(self):
        patient, _, second = self.two_visits()
        out, _ = self.in_words("show", "progress", "--patient", patient, "--ref", "cx_rot")
        self.assertIn("Neck rotation, left, by goniometer, active, seated", out)
        self.assertIn("before 40  between 50  after 60  +20  improved", out)
        self.assertIn("(began with 50 % of the last gain)", out)
        self.assertIn("begins with 42 to 63 % of the gain (Tuttle 2005)", out)
        self.assertIn("since the first visit: You turned 14 degrees further", out)
        out, _ = self.in_words("show", "session", second)
        self.assertIn("Assessments 3 (3 wanted), measured again 2", out)
        out, _ = self.in_words("list", "tests", "--region", "low back", "--complaint", "numb foot")
        self.assertIn("lx_slr", out)
        self.assertIn("positive when", out)

    def test_a_therapist_sees_how_she_assesses_and_nobody_else_does(self):
        self.two_visits()
        report = self.room2.call("show", "report")
        self.assertEqual((report["schema"], report["visits"], report["visits_enough"]),
                         ("roomkeep.report/1", 2, 2))
        self.assertEqual(report["all"], {
            "before": 6, "again": 4, "again_percent": 67, "improved": 3, "improved_percent": 75,
            "within_error": 1, "worse": 0, "not_comparable": 0})
        turns = report["groups"][0]  # rotation, and the neck's special test
        self.assertEqual((turns["group"], turns["before"], turns["again"]), ("cervical", 4, 2))
        out, _ = self.in_words("show", "report")
        self.assertIn("6 measured before, 4 again (67 %): 3 better beyond error (75 %), 1 within "
                      "it, 0 worse\n", out)
        self.assertEqual(self.room1.call("show", "report")["visits"], 0)
        past = self.room2.call("show", "report", "--from", "2020-01-01", "--to", "2020-12-31")
        self.assertEqual((past["visits"], past["all"]["again_percent"]), (0, None))
        for words, says in ((("--from", "soon"), "from: a day as YYYY-MM-DD"),
                            (("--from", "2099-01-01"), "from: a day that is not after today")):
            self.assertEqual(self.room2.refused("show", "report", *words).error["message"], says)

    def test_a_red_flag_and_a_wrong_row(self):
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        turn = self.turn(session, 50)
        other = self.room2.refused("add", "measure", "--session", session, "--pair", turn,
                                   "--value", "60", "--method", "visual")
        self.assertEqual((other.status, other.code), (65, "bad_value"))
        _, err = self.in_words("add", "measure", "--session", session, "--ref", "cx_vbi",
                               "--phase", "pre", "--result", "pos")
        self.assertIn("ALERT: Vertebral artery position test is positive", err)
        self.fill(self.room2, session)
        _, err = self.in_words("sign", "session", session)
        self.assertIn("asks for a referral; there is no plan", err)

    @unittest.skipUnless(shutil.which("pdftotext"), "no pdftotext (poppler-utils)")
    def test_the_page_for_the_patient(self):
        patient, _, second = self.two_visits()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.pdf")
            made = self.room1.call("export", "proof", "--patient", patient, "--file", path)
            self.assertEqual((made["file"], made["session_id"], made["measures"]),
                             (path, second, 2))
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            text = pdf_text(path)
            again = self.room1.refused("export", "proof", "--patient", patient, "--file", path)
            self.assertEqual((again.status, again.code), (1, "file_exists"))
            self.room1.call("export", "proof", "--patient", patient, "--file", path, "--overwrite")
            self.assertEqual(os.listdir(folder), ["page.pdf"])
            info = subprocess.run(["pdfinfo", path], check=True, capture_output=True,
                                  text=True).stdout
        for words in ("What changed", "Maya Rowe", "Neck rotation, left",
                      "About the same: 4 degrees apart; the measure is good to about 6.",
                      "Your pain is 3 points lower; 2 or more count as a change.",
                      "Since the first visit", "You turned 14 degrees further",
                      "rule of thumb for: Numeric pain rating"):
            self.assertIn(words, text)
        for words in (MARKER, "Mood", "Otherman", "limited", patient):
            self.assertNotIn(words, text)
        self.assertRegex(info, r"Tagged: +yes")
        self.assertRegex(info, r"Pages: +1\n")
        self.assertRegex(info, r"Title: +What changed")


if __name__ == "__main__":
    unittest.main()
