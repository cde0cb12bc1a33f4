"""Founding and enrolling when answers are lost, the paper kit, and homes at any place."""
import os
import shutil
import subprocess
import unittest

from harness import PASSPHRASE, ROOMKEEP, Clinic, Room, run, until


class Joining(unittest.TestCase):
    def setUp(self):
        self.clinic = Clinic()
        self.addCleanup(self.clinic.close)
        self.clinic.init()

    def found(self, room, kit=None, env=None):
        args = room.args("found", self.clinic.setup_code, "--server", room.proxy.address,
                         "--clinic", "Harbour Massage", "--owner", "Jo Park", "--login", "jo",
                         "--room", "Room 1", "--passphrase-file", "-", "--kit",
                         kit or self.clinic.kit)
        return run(args, PASSPHRASE, env)

    def restart(self, crash_at=None):
        self.clinic.server.kill()
        self.clinic.start({"ROOMKEEP_CRASH_AT": crash_at} if crash_at else None)

    def test_founding_survives_a_server_that_dies(self):
        for point in ("store.found_before", "store.found_after", "store.commit_before",
                      "store.commit_after"):
            with self.subTest(point):
                clinic = self.clinic = Clinic()
                self.addCleanup(clinic.close)
                clinic.init()
                self.restart(point)
                room = Room(clinic, "Room 1")
                clinic.rooms.append(room)
                status, _, err = self.found(room)
                self.assertEqual(status, 69, err)
                self.restart()
                status, _, err = self.found(room)
                self.assertEqual(status, 0, err)
                self.assertEqual(len(os.listdir(clinic.kit)), 3)
                room.serve()
                self.assertEqual(room.sign_in("jo")["online"], True)
                self.assertEqual(self.found(room)[0], 69)  # the agent has the home
                self.assertEqual(room.agent.stop(), 0)
                self.assertEqual(self.found(room)[0], 1)  # it belongs to a clinic now

    def test_founding_survives_a_room_that_dies(self):
        room = Room(self.clinic, "Room 1")
        self.clinic.rooms.append(room)
        self.assertEqual(self.found(room, env={"ROOMKEEP_CRASH_AT": "local.found_after"})[0], -9)
        status, _, err = self.found(room)
        self.assertEqual(status, 0, err)
        room.serve()
        room.sign_in("jo")

    def test_enrolling_survives_a_server_that_dies(self):
        owner = self.clinic.found()
        code = owner.call("invite", "room", "Room 2")["join_code"]
        room = Room(self.clinic, "Room 2")
        self.clinic.rooms.append(room)
        args = room.args("enrol", "-", "--server", room.proxy.address)
        self.restart("store.commit_after")
        self.assertEqual(run(args, code)[0], 69)
        self.restart()
        status, _, err = run(args, code)
        self.assertEqual(status, 0, err)
        room.serve()
        room.sign_in("jo")

    def test_kit(self):
        room = Room(self.clinic, "Room 1")
        self.clinic.rooms.append(room)
        status, _, err = self.found(room, kit=os.path.join(room.home, "kit"))
        self.assertEqual(status, 64, err)
        self.assertEqual(self.found(room)[0], 0)
        kit = self.clinic.kit
        files = sorted(os.path.join(kit, name) for name in os.listdir(kit))
        self.assertEqual(len(files), 3)
        for path in files:
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            self.assertIn("<svg", open(path).read())
        room.serve()
        self.assertEqual(room.status()["kit"], "on_disk")
        shares = [word for path in files[1:] for word in ("--share", "@" + path)]
        self.assertEqual(room.refused("confirm", "kit", *shares[:2]).status, 65)
        self.assertEqual(room.refused("confirm", "kit", *shares).code, "kit_on_disk")
        away = kit + "-away"
        shutil.move(kit, away)
        shares = [word.replace(kit, away) for word in shares]
        self.assertEqual(room.call("confirm", "kit", *shares)["kit"], "confirmed")
        self.assertEqual(room.status()["kit"], "confirmed")

    def test_a_home_with_a_long_path(self):
        room = Room(self.clinic, "Room 1")
        room.home = os.path.join(self.clinic.root, *["deep" * 20] * 4, "room")
        self.assertGreater(len(room.home), 300)  # sun_path holds 107 bytes
        self.clinic.rooms.append(room)
        self.assertEqual(self.found(room)[0], 0)
        room.serve()
        room.sign_in("jo")
        self.assertEqual(room.status()["user"], "jo")
        second = subprocess.run([ROOMKEEP, "serve", "--home", room.home], capture_output=True)
        self.assertEqual(second.returncode, 69)
        self.assertEqual(room.agent.stop(), 0)
        status, _, _ = run(room.args("status"))
        self.assertEqual(status, 69)

    def test_arguments_are_blanked(self):
        room = self.clinic.found()
        asked = subprocess.Popen(room.args("find", "patient", "canaryname", "--no-input"),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        asked.communicate()
        # One that stays alive: it waits for standard input after its arguments are parsed.
        waiting = subprocess.Popen(room.args("add", "addendum", "--session", "canarysession", "-"),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            path = "/proc/%d/cmdline" % waiting.pid
            until("the arguments are blank",
                  lambda: b"canarysession" not in open(path, "rb").read())
        finally:
            waiting.communicate(b"text")

    def test_a_wrong_code_founds_nothing(self):
        room = Room(self.clinic, "Room 1")
        self.clinic.rooms.append(room)
        good = self.clinic.setup_code
        other = Clinic()
        self.addCleanup(other.close)
        other.init()
        self.clinic.setup_code = other.setup_code  # another server's
        status, _, err = self.found(room)
        self.assertEqual(status, 77, err)
        self.clinic.setup_code = good[:-1] + ("0" if good[-1] != "0" else "1")  # a typing error
        self.assertEqual(self.found(room)[0], 65)
        self.assertFalse(os.path.exists(self.clinic.kit) and os.listdir(self.clinic.kit))
        self.clinic.setup_code = good.lower().replace("-", " ")
        self.assertEqual(self.found(room)[0], 0)


if __name__ == "__main__":
    unittest.main()
