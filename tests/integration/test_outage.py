"""The network goes away, people come and go, two rooms write apart: nothing is lost."""
import itertools
import threading
import unittest

from harness import ClinicTest, until


class Typist(threading.Thread):
    """Writes plans and notes in a room, without a pause, until told to stop."""

    def __init__(self, room, patient, session):
        super().__init__(daemon=True)
        self.room, self.patient, self.session = room, patient, session
        self.plans, self.notes, self.error = [], [], None
        self.stopping = threading.Event()

    def write(self, i):
        plan, note = "plan %d" % i, "note %d" % i
        self.room.call("set", "session", self.session, "--plan", plan)
        self.plans.append(plan)
        self.room.call("add", "note", "--patient", self.patient, "-", stdin=note)
        self.notes.append(note)

    def run(self):
        try:
            for i in itertools.count():
                if self.stopping.is_set():
                    return
                self.write(i)
        except Exception as e:  # shown by finish(), in the test's own thread
            self.error = e

    def finish(self):
        self.stopping.set()
        self.join()
        if self.error is not None:
            raise self.error


class Outage(ClinicTest):
    def test_offline_is_noticed_and_work_goes_on(self):
        patient = self.add_patient(self.room2)
        self.room2.sync()
        self.room2.proxy.cut()
        until("Room 2 says offline", lambda: self.room2.status()["link"] == "offline", limit=6)
        session = self.start_session(self.room2, patient)
        self.room2.call("set", "session", session, "--subjective", "Written offline.")
        status = self.room2.status()
        self.assertEqual(status["outbox"]["queued"], 2)
        self.assertEqual(self.room2.call("list", "sessions", "--patient", patient)["partial"], True)
        self.assertEqual(self.room2.refused("sync", "--wait", "1").status, 75)
        self.room2.proxy.heal()
        until("all is delivered", lambda: self.room2.status()["outbox"]["queued"] == 0, limit=15)
        self.wait_text(self.room1, session, "subjective", "Written offline.")
        listed = self.room1.call("list", "sessions", "--patient", patient)
        self.assertEqual(listed["partial"], False)

    def test_people_come_and_go_while_the_network_is_away(self):
        """Cut while Mara writes; she signs out, the machine restarts, Jo signs in, writes and
        signs out; the network comes back with nobody there. Everything arrives in lane order."""
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.room2.sign_in("jo")  # who was never here cannot sign in without the network
        self.room2.sign_in("mara")
        self.room2.sync()
        typist = Typist(self.room2, patient, session)
        typist.start()
        until("some arrived", lambda: len(typist.notes) > 3)
        self.room2.proxy.cut()
        at_cut = len(typist.notes)
        until("more is written offline", lambda: len(typist.notes) > at_cut + 5)
        typist.finish()
        self.assertEqual(self.room2.status()["link"], "offline")
        waiting = self.waiting(self.room2)
        self.room2.lock()
        self.room2.agent.kill()
        before = self.clinic.rows()
        self.room2.serve()
        self.assertEqual(self.room2.sign_in("jo")["online"], False)
        self.room2.call("add", "note", "--patient", patient, "-", stdin="Jo's, offline.")
        waiting += self.waiting(self.room2)
        queued = self.room2.status()["outbox"]["queued"]
        self.assertEqual(queued, len(waiting))
        self.assertGreaterEqual(queued, 1 + 2 * 5)
        self.room2.lock()
        self.room2.agent.kill()
        self.room2.serve()
        status = self.room2.status()
        self.assertEqual((status["mode"], status["user"], status["outbox"]["queued"]),
                         ("courier", None, queued))
        self.assertEqual(self.clinic.rows(), before)
        self.room2.proxy.heal()
        until("nothing is queued", lambda: self.room2.status()["outbox"]["queued"] == 0)
        self.assertEqual(self.room2.status()["mode"], "courier")
        self.assert_arrived(before, waiting)
        self.wait_text(self.room1, session, "plan", typist.plans[-1])
        until("Jo's note came", lambda: [n["text"] for n in self.room1.call("list", "notes")
                                         ["notes"]] == ["Jo's, offline."])
        self.room1.sign_in("mara")
        until("Mara's notes came", lambda: sorted(n["text"] for n in self.room1.call(
            "list", "notes")["notes"]) == sorted(typist.notes))

    @staticmethod
    def waiting(room):
        return [op["op_id"] for op in room.pending() if op["state"] == "queued"]

    def assert_arrived(self, before, waiting):
        rows = self.clinic.rows()
        self.assertEqual(rows[:len(before)], before)
        # What was on its way at the cut is there, though its receipt was lost; it comes once.
        there = {op_id for _, _, op_id, _ in before}
        self.assertEqual(sorted(op_id for _, _, op_id, _ in rows[len(before):]),
                         sorted(set(waiting) - there))
        self.assertEqual({state for *_, state in rows}, {1})
        for lane in {row[0] for row in rows}:
            numbers = [number for at, number, *_ in rows if at == lane]
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        self.assertTrue(self.clinic.check()["ok"])

    def test_the_room_delivers_what_it_cannot_read(self):
        patient = self.add_patient(self.room2)
        self.room2.sync()
        self.room2.proxy.cut()
        session = self.start_session(self.room2, patient)
        texts = ["revision %d" % i for i in range(10)]
        for text in texts:
            self.room2.call("set", "session", session, "--objective", text)
        self.room2.call("add", "note", "--patient", patient, "-", stdin="Sealed while offline.")
        self.room2.lock()
        self.room2.agent.kill()
        self.room2.serve()
        self.assertEqual(self.room2.status()["mode"], "courier")
        self.room2.proxy.heal()
        self.room2.sign_in("jo")
        self.room2.lock()
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.room2.proxy.heal()
        until("nothing is queued", lambda: self.room2.status()["outbox"]["queued"] == 0)
        self.wait_text(self.room1, session, "objective", texts[-1])
        self.room1.lock()
        self.room1.sign_in("mara")
        until("Mara reads her note in Room 1",
              lambda: [n["text"] for n in self.room1.call("list", "notes")["notes"]]
              == ["Sealed while offline."])
        self.assertTrue(self.clinic.check()["ok"])

    def test_nobody_needs_to_be_signed_in(self):
        patient = self.add_patient(self.room2)
        self.room2.sync()
        self.room2.proxy.cut()
        session = self.start_session(self.room2, patient)
        for i in range(5):
            self.room2.call("set", "session", session, "--objective", "revision %d" % i)
        self.room2.lock()
        self.room2.agent.kill()
        self.room2.serve()
        self.room2.proxy.heal()
        until("the courier delivered", lambda: self.room2.status()["outbox"]["queued"] == 0)
        self.assertEqual(self.room2.status()["mode"], "courier")
        self.wait_text(self.room1, session, "objective", "revision 4")

    def test_conflicts_are_shown_and_resolved(self):
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.room2.sync()
        self.room1.lock()
        self.room1.sign_in("mara")
        self.wait_text(self.room1, session, "subjective", None)
        self.room1.proxy.cut()
        self.room2.proxy.cut()
        self.room1.call("set", "session", session, "--subjective", "From Room 1.")
        self.room2.call("set", "session", session, "--subjective", "From Room 2.")
        self.room1.proxy.heal()
        self.room2.proxy.heal()
        self.room1.sync()
        self.room2.sync()
        for room in (self.room1, self.room2):
            until("%s shows both" % room.name, lambda r=room: r.session(session)["conflicts"])
            conflict = room.session(session)["conflicts"][0]
            self.assertEqual(conflict["field"], "subjective")
            self.assertEqual(sorted(v["text"] for v in conflict["values"]),
                             ["From Room 1.", "From Room 2."])
            self.assertEqual({v["room"] for v in conflict["values"]}, {"Room 1", "Room 2"})
        refused = self.room1.refused("sign", "session", session)
        self.assertEqual((refused.status, refused.code), (1, "conflict"))
        self.assertEqual(self.room1.session(session)["state"], "draft")
        self.room1.call("set", "session", session, "--subjective", "Both: neck and arm.")
        self.assertEqual(self.room1.session(session)["conflicts"], [])
        self.fill(self.room1, session)
        self.room1.call("sign", "session", session)
        self.room1.sync()
        until("Room 2 agrees", lambda: self.room2.session(session)["state"] == "signed")
        self.assertEqual(self.room2.session(session)["subjective"], "Both: neck and arm.")
        self.assertTrue(self.clinic.check()["ok"])

    def test_an_edit_that_comes_after_signing_is_kept_as_late(self):
        patient = self.add_patient(self.room2)
        session = self.start_session(self.room2, patient)
        self.room2.call("set", "session", session, "--plan", "Come back in a week.")
        self.room2.sync()
        self.room1.lock()
        self.room1.sign_in("mara")
        self.wait_text(self.room1, session, "plan", "Come back in a week.")
        self.room2.proxy.cut()
        self.room2.call("set", "session", session, "--plan", "Come back in two weeks.")
        self.fill(self.room1, session)
        self.room1.call("sign", "session", session)
        self.room1.sync()
        self.room2.proxy.heal()
        self.room2.sync()
        for room in (self.room1, self.room2):
            until("%s shows the late change" % room.name,
                  lambda r=room: r.session(session)["late_changes"])
            shown = room.session(session)
            self.assertEqual(shown["state"], "signed")
            self.assertEqual(shown["plan"], "Come back in a week.")
            self.assertIn("Come back in two weeks.", str(shown["late_changes"]))
        self.assertTrue(self.clinic.check()["ok"])

    def test_sign_in_works_without_the_network(self):
        self.room2.lock()
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.room2.sign_in("mara")
        self.assertEqual(self.room2.status()["mode"], "signed_in")
        patient = self.add_patient(self.room2)
        self.room2.proxy.heal()
        self.room2.sync()
        until("Room 1 has the patient",
              lambda: [p for p in self.room1.call("find", "patient", "Maya")["patients"]
                       if p["patient_id"] == patient])


if __name__ == "__main__":
    unittest.main()
