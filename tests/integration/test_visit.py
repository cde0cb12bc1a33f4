"""A returning visit, door to door, as a script through the local API of a room: HTTP on its socket,
as the command line does it. And the shortest one: relaxation in eight actions."""
import datetime
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import ClinicTest

MARKER = "she has not told her husband yet"


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Local(http.client.HTTPConnection):
    """A connection to agent.sock; the folder's name may be longer than a socket's may."""

    def __init__(self, home):
        super().__init__("localhost", timeout=60)
        self.home = home

    def connect(self):
        folder = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect("/proc/self/fd/%d/agent.sock" % folder)
        finally:
            os.close(folder)


class Visit(ClinicTest):
    def setUp(self):
        super().setUp()
        self.actions = 0

    def ask(self, path, **request):
        """One action; returns (status, answer)."""
        self.actions += 1
        local = Local(self.room2.home)
        try:
            local.request("POST", "/1/" + path, json.dumps(request),
                          {"Content-Type": "application/json"})
            got = local.getresponse()
            return got.status, json.loads(got.read())
        finally:
            local.close()

    def do(self, path, **request):
        status, answer = self.ask(path, **request)
        self.assertEqual(status, 200, (path, answer))
        return answer

    def relaxation(self, patient):
        """The first visit: what it takes, and what the next one may take over."""
        sid = self.do("start/session", patient_id=patient)["session_id"]
        self.do("add/treatment", session_id=sid, region="upper_back", pressure=3,
                technique=["effleurage", "petrissage"], minutes=40)
        self.do("set/session", session_id=sid, no_complaint=True, type="relaxation",
                health_changed=False, contraindications_considered=True, consented="yes",
                draped_as_consented=True, no_adverse_event=True, next_in_days=21, ends_now=True)
        signed = self.do("sign/session", session_id=sid)
        self.assertEqual(signed["state"], "signed")
        return sid

    def test_a_relaxation_session_in_eight_actions(self):
        patient = self.add_patient(self.room2)
        self.relaxation(patient)
        self.assertLessEqual(self.actions, 8)
        self.actions = 0
        sid = self.do("start/session", patient_id=patient)["session_id"]
        shown = self.do("show/session", session_id=sid)
        self.assertEqual((shown["chart"]["type"], shown["proposed"]["type"]), (None, "relaxation"))
        self.assertEqual(shown["proposed"]["treatments"][0]["region"], "upper_back")
        self.do("set/session", session_id=sid, confirm=["all"], health_changed=False,
                contraindications_considered=True, consented="yes", draped_as_consented=True,
                no_adverse_event=True, ends_now=True)
        self.assertEqual(self.do("sign/session", session_id=sid)["state"], "signed")
        self.assertLessEqual(self.actions, 8)
        shown = self.do("show/session", session_id=sid)
        self.assertEqual((shown["chart"]["type"], shown["chart"]["next_in_days"],
                          shown["treatments"][0]["pressure"], shown["proposed"]),
                         ("relaxation", 21, 3, {}))

    def before(self, patient, therapist):
        """What the last visit left behind, and the hour that begins now; returns when it ends."""
        sid = self.relaxation(patient)
        self.do("add/promise", patient_id=patient, session_id=sid, text="recheck left rotation")
        hour = self.do("add/walk-in", patient_id=patient, therapist_id=therapist, minutes=60)
        self.actions = 0
        return when(hour["starts_at"]) + datetime.timedelta(hours=1)

    def welcome(self, patient, sid):
        card = self.do("show/card", patient_id=patient)
        self.assertIn("recheck left rotation", json.dumps(card["promises"]))
        self.do("add/mood-read", patient_id=patient, session_id=sid, when="arrival", spirits="low",
                source="my_read", body=["guarded"])

    def measure_before(self, sid):
        turn = self.do("add/measure", session_id=sid, ref="cx_rot", side="L", phase="pre",
                       value=52, mode="active", position="seated", method="goniometer")
        pain = self.do("add/measure", session_id=sid, ref="nprs", phase="pre", value=6)
        self.do("add/measure", session_id=sid, ref="cx_spurling", side="L", phase="pre",
                result="neg")
        return turn["measure_id"], pain["measure_id"]

    def retest(self, sid, end):
        """What to measure again in the hour that ends at `end`, and when, in parts of it."""
        shown = self.do("show/session", session_id=sid)
        begun = when(shown["started_at"])
        due = shown["retest"]
        self.assertIsNone(due["due"])
        for key, part in (("mid_from", 0.4), ("mid_until", 0.6)):
            self.assertAlmostEqual((when(due[key]) - begun) / (end - begun), part, 3)
        self.assertEqual(end - when(due["post_at"]), datetime.timedelta(minutes=5))
        return [[row["ref"] for row in due[key]] for key in ("mid", "post")]

    def treat(self, sid):
        self.do("add/discomfort", session_id=sid, region="neck", side="left", quality=["pull"])
        self.do("add/palpation", session_id=sid, region="neck", side="left", tone="raised",
                tenderness=2, trigger_point=True)
        self.do("add/treatment", session_id=sid, region="neck", side="left", pressure=3,
                technique=["muscle_stripping", "stretch"], minutes=25, position="supine",
                response="eased")

    def test_a_returning_visit(self):
        patient = self.add_patient(self.room2, "Maya Rowe")
        mara = next(u["user_id"] for u in self.room2.call("list", "users")["users"]
                    if u["login"] == "mara")
        end = self.before(patient, mara)
        sid = self.do("start/session", patient_id=patient)["session_id"]
        self.welcome(patient, sid)
        episode = self.do("add/episode", patient_id=patient, complaint="stiff neck",
                          started="2026-11-01")["episode_id"]
        turn, pain = self.measure_before(sid)
        self.treat(sid)
        self.assertEqual(self.retest(sid, end), [["cx_rot", "nprs", "cx_spurling"],
                                                 ["cx_rot", "nprs", "cx_spurling"]])
        self.do("add/measure", session_id=sid, pair_id=turn, phase="mid", value=58)
        self.assertEqual(self.retest(sid, end), [["nprs", "cx_spurling"],
                                                 ["cx_rot", "nprs", "cx_spurling"]])
        self.do("add/measure", session_id=sid, pair_id=turn, value=66)
        self.do("add/measure", session_id=sid, pair_id=pain, value=3)
        self.do("add/mood-read", patient_id=patient, session_id=sid, when="departure",
                spirits="bright", source="patient_said", lifted=["silence"])
        self.do("add/homecare-item", session_id=sid, what="turn the head", dose="3 times a day",
                why="to keep the gain", taught=True)
        status, refused = self.ask("sign/session", session_id=sid)
        self.assertNotEqual(status, 200)
        self.assertEqual(refused["error"]["code"], "incomplete")
        missing = [gap["field"] for gap in self.do("show/session", session_id=sid)["missing"]]
        for field in ("pain_now", "red_flags", "change_since", "next_in_days", "ended_at"):
            self.assertIn(field, missing)
            self.assertIn(field, refused["error"]["message"])
        status, refused = self.ask("rebook", session_id=sid)
        self.assertNotEqual(status, 200)
        self.assertIn("interval_days", refused["error"]["message"])
        self.do("set/session", session_id=sid, subjective="Turning hurts.",
                plan="Neck again, then shoulder.", episode_id=episode, pain_now=6, pain_worst=8,
                pain_best=2, change_since="better", homecare_done="some", health_changed=False,
                red_flags="clear", contraindications_considered=True, consented="yes",
                draped_as_consented=True, no_adverse_event=True, next_in_days=7,
                own_words="like a rope", shown=["proof_page"], check_ins=2, ends_now=True)
        booked = self.do("rebook", session_id=sid)
        self.assertEqual(booked["interval_days"], 7)
        self.do("set/session", session_id=sid, booked_next=True, booked_by="Mara")
        self.do("sign/session", session_id=sid)
        self.do("add/note", patient_id=patient, session_id=sid, text=MARKER)
        self.room2.sync()

        shown = self.do("show/session", session_id=sid)
        self.assertEqual((shown["state"], shown["late_entry"], shown["missing"],
                          shown["late_changes"], shown["retest"]), ("signed", None, [], [], None))
        self.assertEqual([d["quality"] for d in shown["discomforts"]], [["pull"]])
        self.assertEqual(shown["treatments"][0]["technique"], ["muscle_stripping", "stretch"])
        self.assertEqual(shown["homecare_items"][0]["dose"], "3 times a day")
        self.assertTrue(booked["appointment_id"])
        self.assertEqual(self.do("list/sessions", unsigned=True)["sessions"], [])
        self.look_at_the_page(patient, sid)
        self.assertTrue(self.clinic.check()["ok"])

    def look_at_the_page(self, patient, sid):
        if shutil.which("pdftotext") is None:
            self.skipTest("no pdftotext (poppler-utils)")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.pdf")
            made = self.do("export/proof", patient_id=patient, file=path)
            self.assertEqual((made["session_id"], made["measures"]), (sid, 2))
            text = subprocess.run(["pdftotext", "-layout", path, "-"], check=True,
                                  capture_output=True, text=True).stdout
        for words in ("What changed", "Maya Rowe", "Neck rotation, left",
                      "You turned 14 degrees further",
                      "Your pain is 3 points lower; 2 or more count as a change."):
            self.assertIn(words, text)
        for words in (MARKER, "low", "bright", "like a rope", patient):
            self.assertNotIn(words, text.replace("lower", "").replace("below", ""))


if __name__ == "__main__":
    unittest.main()
