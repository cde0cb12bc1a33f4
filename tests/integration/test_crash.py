"""kill -9 of the server and of a room while rooms write: what was reported committed is there once.

The number of kills is bounded here; `./dev crash --kills N` runs the long form.
"""
import os
import random
import threading
import time
import unittest

from harness import ClinicTest, Failed, until

KILLS = int(os.environ.get("ROOMKEEP_KILLS", "12"))


MEASURES_PER_SESSION = 40


class Writer(threading.Thread):
    """Writes into one room until told to stop: sessions of some forty measures each.

    `accepted` holds, for each session, the values that the room took, in order. A call whose
    answer a kill swallowed may have been saved all the same; its value is in `tried` only.
    """

    def __init__(self, room, patient):
        super().__init__(daemon=True)
        self.room, self.patient = room, patient
        self.accepted, self.tried, self.stopping = {}, {}, threading.Event()

    def one(self, session, count):
        value = "%d.%d" % (count // 10 % 80, count % 10)
        self.tried[session].append(float(value))
        self.room.call("add", "measure", "--session", session, "--ref", "cx_rot", "--side", "L",
                       "--phase", "pre", "--value", value)
        self.accepted[session].append(float(value))

    def run(self):
        session, count = None, 0
        while not self.stopping.is_set():
            try:
                if session is None or len(self.tried[session]) >= MEASURES_PER_SESSION:
                    session = self.room.call("start", "session", "--patient",
                                             self.patient)["session_id"]
                    self.accepted[session], self.tried[session] = [], []
                count += 1
                self.one(session, count)
            except (Failed, ValueError):
                time.sleep(0.01)  # the room is being restarted

    def finish(self):
        self.stopping.set()
        self.join()


class Crash(ClinicTest):
    def committed(self, room):
        return {op["op_id"] for op in room.pending() if op["state"] == "committed"}

    def run_kills(self, kill):
        patient = self.add_patient(self.room2)
        self.room2.sync()
        until("Room 1 has the patient",
              lambda: self.room1.call("find", "patient", "Maya")["patients"])
        rooms = (self.room1, self.room2)
        writers = [Writer(room, patient) for room in rooms]
        for w in writers:
            w.start()
        rand = random.Random(int(os.environ.get("ROOMKEEP_SEED", "1")))
        reported = {room.name: set() for room in rooms}
        for _ in range(KILLS):
            time.sleep(rand.uniform(0.01, 0.4))  # where the kill falls is what the seed decides
            for room in rooms:
                try:
                    reported[room.name] |= self.committed(room)
                except Failed:
                    pass  # the room was just killed
            kill(rand)
            self.assertTrue(self.clinic.check()["ok"])
        for w in writers:
            w.finish()
        for room in rooms:
            room.sync(60)
        for w, room in zip(writers, rooms):
            self.compare(w, room, reported[room.name])
        report = self.clinic.check()
        self.assertTrue(report["ok"], report)
        self.assertGreater(sum(len(v) for w in writers for v in w.accepted.values()), KILLS)
        self.assertGreater(min(len(ops) for ops in reported.values()), 0)

    def compare(self, writer, room, reported):
        for session, accepted in writer.accepted.items():
            measures = room.session(session)["measures"]
            self.assertEqual(len(measures), len({m["measure_id"] for m in measures}))
            values = sorted(m["value"] for m in measures)
            self.assertEqual(len(values), len(set(values)), "doubled in %s" % session)
            self.assertEqual(sorted(set(accepted) - set(values)), [], "lost in %s" % session)
            self.assertEqual(sorted(set(values) - set(writer.tried[session])), [])
        states = {op["op_id"]: op["state"] for op in room.pending()}
        self.assertEqual([op for op in reported if states.get(op) != "committed"], [])
        # What the room says of itself is not enough: the server has it, once, as committed.
        held = [op_id for _, _, op_id, state in self.clinic.rows() if state == 1]
        self.assertEqual(len(held), len(set(held)))
        self.assertEqual(reported - set(held), set())

    def test_the_server_is_killed(self):
        def kill(_rand):
            self.clinic.server.kill()
            self.clinic.start()
        self.run_kills(kill)

    def test_a_room_is_killed(self):
        def kill(rand):
            room, login = rand.choice(((self.room1, "jo"), (self.room2, "mara")))
            room.agent.kill()
            room.serve()
            room.sign_in(login)
        self.run_kills(kill)


if __name__ == "__main__":
    unittest.main()
