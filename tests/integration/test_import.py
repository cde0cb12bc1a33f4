"""Another program's patients, appointments and past sessions, with its own column names."""
import os
import unittest

from harness import SharedClinicTest

FILES = {
    "patients.csv": "Client No,Full name,Birthday,Notes\n"
                    "17,Olga Vane,1950-01-01,\"likes tea\nand cake\"\n"
                    "18,Peder Aas,1961-05-06,\n",
    "sessions.csv": "Visit,Client No,Date,Start,Length,Said\n"
                    "a,17,2025-11-03,10:00,60,Long ago.\n"
                    "b,18,2025-11-04,11:15,45,Knee.\n",
    "measures.csv": "session_ref,phase,ref,side,value,result,method,position,mode,pain_at_end\n"
                    "a,pre,nprs,,7,,,,,\n"
                    "a,pre,cx_rot,L,52,,goniometer,seated,active,3\n",
    "appointments.csv": "Client No,Date,Start,Length,Status\n"
                        "17,2025-11-03,10:00,60,done\n"
                        "18,2031-02-03,09:00,60,\n",
    "map.csv": "file,column,source,value\n"
               "patients.csv,ref,Client No,\n"
               "patients.csv,name,Full name,\n"
               "patients.csv,born,Birthday,\n"
               "sessions.csv,ref,Visit,\n"
               "sessions.csv,patient_ref,Client No,\n"
               "sessions.csv,staff_login,,jo\n"
               "sessions.csv,room,,Room 1\n"
               "sessions.csv,days_ago,Date,\n"
               "sessions.csv,start_hhmm,Start,\n"
               "sessions.csv,minutes,Length,\n"
               "sessions.csv,subjective,Said,\n"
               "sessions.csv,signed,,yes\n"
               "appointments.csv,patient_ref,Client No,\n"
               "appointments.csv,staff_login,,jo\n"
               "appointments.csv,room,,Room 1\n"
               "appointments.csv,day,Date,\n"
               "appointments.csv,start_hhmm,Start,\n"
               "appointments.csv,minutes,Length,\n"
               "appointments.csv,state,Status,\n",
}


class Import(SharedClinicTest):
    def folder(self, name, file=None, old=None, new=None):
        folder = os.path.join(self.clinic.root, name)
        os.mkdir(folder)
        for entry, text in FILES.items():
            if entry == file:
                self.assertIn(old, text)
                text = text.replace(old, new, 1)
            with open(os.path.join(folder, entry), "w", encoding="utf-8") as f:
                f.write(text)
        return folder

    def words(self, folder, *flags):
        return ("import", folder, "--map", os.path.join(folder, "map.csv"), *flags)

    def test_errors_by_line_and_nothing_is_changed(self):
        before = self.clinic.status()["seq"]
        cases = [
            ("appointments.csv", "18,2031", "19,2031", "appointments.csv line 3: patient_ref"),
            ("appointments.csv", "2031-02-03", "2031-02-31", "appointments.csv line 3: day"),
            ("appointments.csv", "09:00", "9:00", "appointments.csv line 3: start_hhmm"),
            ("appointments.csv", "60,done", "2,done", "appointments.csv line 2: minutes"),
            ("appointments.csv", ",done", ",finished", "appointments.csv line 2: state"),
            ("appointments.csv", "Status", "State", "the map line 20: source"),
            ("sessions.csv", "2025-11-04", "04/11/2025", "sessions.csv line 3: days_ago"),
            ("patients.csv", "1961-05-06", "1961-13-06", "patients.csv line 4: born"),
            ("patients.csv", "Full name", "Name", "the map line 3: source"),
            ("map.csv", "sessions.csv,ref", "session.csv,ref", "the map line 5: file"),
            ("map.csv", "patients.csv,born", "patients.csv,birth", "the map line 4: column"),
            ("map.csv", "patients.csv,born", "patients.csv,name", "the map line 4: column"),
            ("map.csv", "staff_login,,jo", "staff_login,Visit,jo", "the map line 7: source"),
            ("map.csv", "staff_login,,jo", "staff_login,,nobody", "sessions.csv line 2: staff"),
            ("map.csv", "file,column", "column,file", "the map line 1"),
            ("measures.csv", "goniometer", "ruler", "measures.csv line 3: method: goniometer,"),
            ("measures.csv", ",active", ",idle", "measures.csv line 3: mode"),
            ("measures.csv", ",seated", ",sitting", "measures.csv line 3: position"),
            ("measures.csv", "active,3", "active,11", "measures.csv line 3: pain_at_end: 0 to 10"),
            ("measures.csv", "active,3", "active,3x", "measures.csv line 3: pain_at_end"),
            ("measures.csv", "goniometer", "tape", "measures.csv line 3: method"),
            ("measures.csv", ",method,", ",how,", "measures.csv line 1"),
            ("measures.csv", ",side,", ",mode,", "measures.csv line 1"),
        ]
        for i, (file, old, new, says) in enumerate(cases):
            folder = self.folder("broken%d" % i, file, old, new)
            for flags in ((), ("--dry-run",)):
                refused = self.room1.refused(*self.words(folder, *flags))
                self.assertEqual(refused.status, 65, says)
                self.assertIn(says, refused.error["message"])
                for word in ("Olga", "Peder", "tea", "1961"):
                    self.assertNotIn(word, refused.err)
        self.assertEqual(self.room1.status()["outbox"]["queued"], 0)
        self.assertEqual(self.clinic.status()["seq"], before)

    def test_a_mapped_folder_comes_in_whole(self):
        folder = self.folder("good")
        dry = self.room1.call(*self.words(folder, "--dry-run"))
        self.assertEqual([dry[k] for k in ("patients", "sessions", "measures", "appointments")],
                         [2, 2, 2, 2])
        self.assertEqual(self.room1.call("find", "patient", "Olga")["patients"], [])
        wet = self.room1.call(*self.words(folder))
        self.assertEqual({**wet, "dry_run": True}, dry)
        self.room1.sync()
        olga = self.room1.call("find", "patient", "Olga")["patients"][0]
        self.assertEqual((olga["name"], olga["born"], olga["phone"]),
                         ("Olga Vane", "1950-01-01", None))
        rows = self.room1.call("list", "sessions", "--patient", olga["patient_id"])["sessions"]
        self.assertEqual([r["state"] for r in rows], ["signed"])
        shown = self.room1.session(rows[0]["session_id"])
        self.assertEqual((shown["subjective"], shown["imported"], len(shown["measures"])),
                         ("Long ago.", True, 2))
        turn = next(m for m in shown["measures"] if m["ref"] == "cx_rot")
        self.assertEqual([turn[k] for k in ("value", "method", "position", "mode", "pain_at_end")],
                         [52, "goniometer", "seated", "active", 3])
        peder = self.room1.call("find", "patient", "Peder")["patients"][0]["patient_id"]
        booked = self.room1.call("list", "appointments", "--patient", peder)["appointments"]
        self.assertEqual([(b["state"], b["minutes"]) for b in booked], [("booked", 60)])
        day = self.room1.call("list", "day-sheet", "--day", "2031-02-03")["appointments"]
        self.assertEqual([(a["time"], a["booking"]) for a in day], [("09:00", "confirmed")])
        self.assertEqual(self.clinic.check()["ok"], True)

    def test_a_folder_without_appointments_and_without_a_map(self):
        folder = self.folder("plain")
        os.remove(os.path.join(folder, "appointments.csv"))
        refused = self.room1.refused("import", folder, "--dry-run")
        self.assertEqual(refused.status, 65)
        self.assertIn("patients.csv line 1", refused.error["message"])


if __name__ == "__main__":
    unittest.main()
