"""Appointments from the command line: two rooms that want one time, and days without a server."""
import os
import threading
import unittest

from harness import ClinicTest, run, until

RACES = 8
DAY = "2027-03-0%d"


class Booking(ClinicTest):
    def setUp(self):
        super().setUp()
        self.maya = self.add_patient(self.room1)
        self.anna = self.add_patient(self.room1, name="Anna Berg", born="1990-01-01")
        self.room1.sync()
        users = self.room1.call("list", "users")["users"]
        self.mara = next(u["user_id"] for u in users if u["login"] == "mara")
        self.place = self.room1.call("list", "rooms")["rooms"][0]["room_id"]
        for patient in (self.maya, self.anna):
            until("patients are in room 2", lambda p=patient: run(
                self.room2.args("show", "comfort", "--patient", p))[0] == 0)

    def book(self, room, patient, start, *more):
        """Status, and what was said."""
        return run(room.args("add", "appointment", "--patient", patient, "--room", self.place,
                             "--therapist", self.mara, "--starts-at", start, "--minutes", "60",
                             *more))

    def day(self, room, day):
        return room.call("list", "day-sheet", "--day", day)["appointments"]

    def test_two_rooms_want_one_time(self):
        for i in range(RACES):
            day = DAY % (1 + i)
            both = [threading.Thread(target=self.book, args=(room, who, day + "T10:%02d:00Z" % m))
                    for room, who, m in ((self.room1, self.maya, 0), (self.room2, self.anna, 7))]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            for room in (self.room1, self.room2):
                room.sync()

            def settled(room, day=day):
                return [row["booking"] for row in self.day(room, day)].count("confirmed") == 1
            for room in (self.room1, self.room2):
                until("one of the two is confirmed", lambda r=room: settled(r))
        for i in range(RACES):
            taken = []
            for room in (self.room1, self.room2):
                rows = [r for r in self.day(room, DAY % (1 + i)) if r["booking"] == "confirmed"]
                self.assertEqual(len(rows), 1)
                taken.append(rows[0]["appointment_id"])
            self.assertEqual(taken[0], taken[1])
        self.assertEqual(self.clinic.check()["ok"], True)

    def test_a_room_that_is_not_there(self):
        status, _, err = run(self.room1.args(
            "add", "appointment", "--patient", self.maya, "--room",
            "01a0c450-0000-7000-8000-000000000001", "--therapist", self.mara, "--starts-at",
            DAY % 1 + "T10:00:00Z", "--minutes", "60"))
        self.assertEqual(status, 66)
        self.assertIn("room", err)
        self.assertEqual(self.day(self.room1, DAY % 1), [])

    def test_a_day_without_the_server(self):
        self.assertEqual(self.book(self.room1, self.maya, DAY % 1 + "T09:00:00Z")[0], 0)
        self.room1.sync()
        until("it is in room 2", lambda: len(self.day(self.room2, DAY % 1)) == 1)
        self.room2.proxy.cut()
        self.room2.wait_link("offline")
        self.assertEqual(self.book(self.room2, self.anna, DAY % 1 + "T11:00:00Z")[0], 0)
        self.assertEqual([r["booking"] for r in self.day(self.room2, DAY % 1)],
                         ["confirmed", "tentative"])
        path = os.path.join(self.clinic.root, "day.html")
        self.room2.call("export", "day-sheet", "--day", DAY % 1, "--file", path)
        with open(path, encoding="utf-8") as page:
            text = page.read()
        self.assertIn("Maya Rowe", text)
        self.assertIn("tentative", text)
        status, _, err = run(self.room2.args("export", "day-sheet", "--file", path))
        self.assertEqual(status, 1, err)
        self.assertEqual(self.book(self.room1, self.anna, DAY % 1 + "T11:30:00Z")[0], 0)
        self.room1.sync()
        self.room2.proxy.heal()
        self.room2.sync()
        until("the one that was refused is shown as clashed", lambda: sorted(
            r["booking"] for r in self.day(self.room2, DAY % 1)) ==
            ["clashed", "confirmed", "confirmed"])
        self.assertEqual([p["code"] for p in self.room2.pending() if p["state"] == "rejected"],
                         ["clash"])
        clashed = next(r for r in self.day(self.room2, DAY % 1) if r["booking"] == "clashed")
        self.room2.call("set", "appointment", clashed["appointment_id"], "--starts-at",
                        DAY % 1 + "T14:00:00Z")
        self.room2.sync()
        until("it has its time everywhere", lambda: [
            [r["booking"] for r in self.day(room, DAY % 1)] for room in (self.room1, self.room2)] ==
            [["confirmed"] * 3] * 2)

    def test_a_clash_is_said_and_a_calendar_has_initials(self):
        self.assertEqual(self.book(self.room1, self.maya, DAY % 1 + "T09:00:00Z")[0], 0)
        status, _, err = self.book(self.room1, self.anna, DAY % 1 + "T09:30:00Z")
        self.assertEqual(status, 1, err)
        self.assertIn("overlap_reason", err)
        path = os.path.join(self.clinic.root, "room.ics")
        self.room1.call("export", "calendar", "--room", self.place, "--day", DAY % 1,
                        "--file", path)
        with open(path, encoding="utf-8") as calendar:
            text = calendar.read()
        self.assertIn("SUMMARY:MR", text)
        self.assertNotIn("Rowe", text)


if __name__ == "__main__":
    unittest.main()
