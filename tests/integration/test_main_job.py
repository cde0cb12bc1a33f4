"""The main job: a session and a note in Room 2, seen or not seen in Room 1."""
import unittest

from harness import ClinicTest, Failed, ROOMKEEP, ROOMKEEPD, answer, run, until


class MainJob(ClinicTest):
    def test_a_session_travels_and_a_note_stays(self):
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.room2.call("set", "session", session, "--subjective", "Neck stiff since Monday.",
                        "--plan", "-", stdin="Chin tucks, twice a day.\n")
        self.room2.call("add", "measure", "--session", session, "--ref", "cx_rot", "--side", "L",
                        "--phase", "pre", "--value", "52")
        self.room2.call("add", "measure", "--session", session, "--ref", "cx_rot", "--side", "L",
                        "--phase", "post", "--value", "64")
        self.room2.call("add", "measure", "--session", session, "--ref", "cx_spurling", "--side",
                        "L", "--phase", "pre", "--result", "neg")
        note = self.room2.call("add", "note", "--patient", patient, "--session", session, "-",
                               stdin="She said she is leaving him.")["note_id"]
        self.room2.sync()
        self.wait_text(self.room1, session, "subjective", "Neck stiff since Monday.")
        self.wait_text(self.room1, session, "plan", "Chin tucks, twice a day.")

        shown = self.room1.session(session)
        self.assertEqual(shown["schema"], "roomkeep.session/1")
        self.assertEqual(shown["patient_id"], patient)
        self.assertEqual(shown["state"], "draft")
        self.assertEqual(shown["conflicts"], [])
        self.assertEqual(shown["late_changes"], [])
        rows = sorted((m["ref"], m["side"], m["phase"], m["value"], m["unit"], m["result"])
                      for m in shown["measures"])
        self.assertEqual(rows, sorted([("cx_rot", "L", "pre", 52, "deg", None),
                                       ("cx_rot", "L", "post", 64, "deg", None),
                                       ("cx_spurling", "L", "pre", None, None, "neg")]))

        mine = self.room2.call("list", "notes", "--patient", patient)["notes"]
        self.assertEqual([(n["note_id"], n["text"]) for n in mine],
                         [(note, "She said she is leaving him.")])
        self.assertEqual(self.room1.call("list", "notes")["notes"], [])
        self.assertEqual(self.clinic.check()["ok"], True)

    def test_signing_locks_and_addenda_follow(self):
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.room2.call("set", "session", session, "--assessment", "Tight upper trapezius.")
        self.fill(self.room2, session)
        self.room2.call("sign", "session", session)
        self.assertEqual(self.room2.session(session)["state"], "signed")

        late = self.room2.refused("set", "session", session, "--assessment", "Changed my mind.")
        self.assertEqual((late.status, late.code), (1, "session_signed"))
        self.room2.sync()
        until("Room 1 shows it signed", lambda: self.shows_signed(self.room1, session))
        self.room1.call("add", "addendum", "--session", session, "-", stdin="Called: feels better.")
        self.room1.sync()
        until("Room 2 shows the addendum", lambda: self.room2.session(session)["addenda"])
        self.assertEqual(self.room2.session(session)["addenda"][0]["text"], "Called: feels better.")
        self.assertEqual(self.room2.session(session)["assessment"], "Tight upper trapezius.")

    @staticmethod
    def shows_signed(room, session):
        try:
            return room.session(session)["state"] == "signed"
        except Failed as e:
            if e.status == 66:
                return False
            raise

    def test_patients_are_found_and_changed_in_both_rooms(self):
        patient = self.add_patient(self.room1, "José Álvarez", "1971-11-30")
        self.room1.call("set", "patient", patient, "--phone", "604 555 0142")
        self.room1.sync()
        until("Room 2 finds him", lambda: self.room2.call("find", "patient", "jose")["patients"])
        found = self.room2.call("find", "patient", "alvarez")["patients"]
        self.assertEqual([(p["patient_id"], p["name"], p["born"]) for p in found],
                         [(patient, "José Álvarez", "1971-11-30")])

    def test_roles_hold(self):
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.room2.call("add", "note", "--patient", patient, "-", stdin="Told in confidence.")
        self.room2.sync()
        self.room2.lock()
        self.room2.sign_in("sam")
        until("the desk finds the patient",
              lambda: self.room2.call("find", "patient", "Maya")["patients"])
        self.assertEqual(self.room2.refused("show", "session", session).status, 77)
        self.assertEqual(self.room2.refused("start", "session", "--patient", patient).status, 77)
        self.assertEqual(self.room2.refused("add", "note", "--patient", patient, "-",
                                            stdin="x").status, 77)
        self.assertEqual(self.room2.refused("add", "user", "Eve", "--login", "eve", "--role",
                                            "owner", "--new-passphrase-file", "-",
                                            stdin="a long enough passphrase").status, 77)

    def test_signed_out_means_nothing_is_shown(self):
        patient = self.add_patient(self.room2)
        self.room2.lock()
        for words in (("find", "patient", "Maya"), ("list", "patients"), ("list", "notes"),
                      ("list", "sessions", "--patient", patient)):
            self.assertEqual(self.room2.refused(*words).status, 77, words)
        self.assertEqual(self.room2.status()["user"], None)
        self.assertEqual(self.room2.status()["mode"], "courier")

    def test_people_come_and_go(self):
        self.room1.call("disable", "user", "mara")
        until("Mara is signed out of Room 2", lambda: self.room2.status()["mode"] == "courier")
        self.assertEqual(self.sign_in_status(self.room2, "mara"), 77)

    @staticmethod
    def sign_in_status(room, login):
        try:
            room.sign_in(login)
        except Failed as e:
            return e.status
        return 0

    def test_a_retired_room_is_shut_out(self):
        self.room1.call("retire", "room", "Room 2")
        self.room2.wait_link("refused")
        states = {r["name"]: r["state"] for r in self.room1.call("list", "rooms")["rooms"]}
        self.assertEqual(states, {"Room 1": "online", "Room 2": "retired"})

    def test_a_new_passphrase_holds_everywhere(self):
        new = "seven grey herons on the pier"
        with open(self.clinic.root + "/new", "w") as f:
            f.write(new + "\n")
        self.room2.call("set", "passphrase", "--passphrase-file", "-", "--new-passphrase-file",
                        self.clinic.root + "/new", stdin="quiet harbour boats leave before noon")
        self.room2.lock()
        self.assertEqual(self.sign_in_status(self.room2, "mara"), 77)
        self.room2.sign_in("mara", new)
        self.room1.lock()
        self.room1.sign_in("mara", new)

    def test_wrong_words_change_nothing(self):
        before = self.clinic.status()["seq"]
        status, _, err = run(self.room2.args("shwo", "rooms"))
        self.assertEqual(status, 64)
        self.assertIn("list rooms", err)
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.room2.sync()
        held = self.clinic.status()["seq"]
        self.assertGreater(held, before)
        for words, status in (
                (("add", "measure", "--session", session, "--ref", "cx_rott", "--side", "L",
                  "--phase", "pre", "--value", "52"), 66),
                (("add", "measure", "--session", session, "--ref", "cx_rot", "--side", "L",
                  "--phase", "pre", "--value", "5200"), 65),
                (("add", "patient", "--name", "X", "--born", "1988-02-30"), 65),
                (("show", "session", "00000000-0000-7000-8000-000000000000"), 66),
                (("start", "session", "--patient", "nonsense"), 66)):
            self.assertIn(self.room2.refused(*words).status, (status, 64), words)
        self.room2.sync()
        self.assertEqual(self.clinic.status()["seq"], held)

    def test_status_answers_in_every_state(self):
        running = self.clinic.status()
        self.assertEqual(running["state"], "running")
        self.assertEqual({r["name"]: r["state"] for r in running["rooms"]},
                         {"Room 1": "online", "Room 2": "online"})
        self.assertEqual(self.clinic.server.stop(), 0)
        self.assertEqual(self.clinic.status()["state"], "stopped")
        self.assertEqual(self.room2.agent.stop(), 0)
        self.assertEqual(self.room2.refused("status").status, 69)


class Founding(unittest.TestCase):
    def test_help_and_version_of_both(self):
        for program in (ROOMKEEP, ROOMKEEPD):
            for flag in ("--help", "--version"):
                status, out, _ = run([program, flag])
                self.assertEqual(status, 0, (program, flag))
                self.assertTrue(out.strip())

    def test_init_twice_is_refused(self):
        import tempfile
        with tempfile.TemporaryDirectory() as root:
            data = root + "/server"
            first = answer([ROOMKEEPD, "init", "--data", data, "--json"])
            self.assertEqual(first["schema"], "roomkeep.init/1")
            status, _, err = run([ROOMKEEPD, "init", "--data", data, "--json"])
            self.assertEqual(status, 1, err)
            again = answer([ROOMKEEPD, "init", "--data", data, "--renew-code", "--json"])
            self.assertNotEqual(first["setup_code"], again["setup_code"])


if __name__ == "__main__":
    unittest.main()
