"""The short form of the campaigns of `./dev crash`: what was acknowledged is there, once, whatever
happened to the programs, to their disks and to the network.

Each test is a batch (tests/crash/kinds.py) with a fixed seed; tests/tools/crash.py runs as many as
you like.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, ROOMKEEP, ROOMKEEPD, run

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "../crash"))
import kinds  # noqa: E402
import points  # noqa: E402
import powercut  # noqa: E402

SEED = int(os.environ.get("ROOMKEEP_SEED", "1"))
TEST_BUILD = json.loads(run([ROOMKEEPD, "--version", "--json"])[1])["crash_points"]
# What changes files or their names, of what libc offers.
CHANGERS = set("""
open open64 openat openat64 creat creat64 fopen fopen64 fdopen __open_2 __open64_2 __openat_2
__openat64_2 mkstemp mkostemp dup dup2 dup3 close write writev pwrite pwrite64 pwritev pwritev64
pwritev2 copy_file_range sendfile msync io_uring_setup ftruncate ftruncate64 truncate truncate64
fallocate fallocate64 posix_fallocate posix_fallocate64 fsync fdatasync sync syncfs
sync_file_range rename renameat renameat2 link linkat symlink unlink unlinkat remove statvfs
statvfs64
""".split())


needs_library = unittest.skipUnless(os.path.exists(powercut.LIBRARY),
                                    "no powercut.so in this build")


def symbols(path, kind):
    """Of the dynamic table: what a program asks of others (--undefined-only) or offers."""
    done = subprocess.run(["nm", "-D", kind, path], capture_output=True, text=True, check=True)
    return {line.split()[-1].split("@")[0] for line in done.stdout.splitlines()}


class Crash(unittest.TestCase):
    def batch(self, kind, hits):
        tally = kinds.KINDS[kind](hits, SEED)
        self.assertGreaterEqual(tally["hits"], hits)
        return tally

    def test_programs_are_killed(self):
        self.assertGreater(self.batch("kill", 12)["saved"], 12)

    @needs_library
    def test_the_power_goes(self):
        tally = self.batch("cut", 12)
        self.assertGreater(tally["more"]["sectors_lost"], 0)

    @needs_library
    def test_the_power_goes_while_a_clinic_is_made(self):
        self.batch("birth", 6)

    @needs_library
    def test_a_disk_that_lies_about_syncs_is_found_out(self):
        self.assertEqual(len(kinds.run_lie(10, SEED)["found"]), 2)

    @needs_library
    def test_disks_say_no(self):
        self.batch("fault", 16)

    def test_the_network_is_nasty(self):
        self.assertGreater(sum(self.batch("net", 1)["more"].values()), 1)

    @unittest.skipUnless(TEST_BUILD, "no crash points in this build")
    def test_every_named_point_kills(self):
        seen = set(self.batch("founding", len(points.FOUNDING))["by"])
        load = len(points.SERVER_LOAD + points.SERVER_IDLE + points.ROOM_LOAD)
        seen |= set(self.batch("point", load + 1)["by"])
        self.assertEqual(seen, set(points.all_points()) - set(points.UNREACHED))


class Tools(unittest.TestCase):
    """What the campaigns stand on."""

    def test_a_second_opener_is_turned_away(self):
        with kinds.clinic_of() as clinic:
            clinic.found_all()
            room = clinic.rooms[0]
            before = clinic.server_ops()
            for words, status, says in (
                    ([ROOMKEEPD, "serve", "--data", clinic.data], 75, "another server"),
                    ([ROOMKEEPD, "init", "--data", clinic.data, "--listen", "127.0.0.1:0"], 1,
                     "an owner already"),
                    ([ROOMKEEP, "serve", "--home", room.home], 69, "another agent")):
                ended, _, err = run(words)
                self.assertEqual((ended, says in err), (status, True), err)
            room.ask("add/patient", name="After That", born="1990-01-01")
            room.ask("sync", wait_s=30)
            self.assertEqual(len(clinic.server_ops() - before), 1)
            clinic.check_server(room.committed())

    @needs_library
    def test_the_library_stands_before_every_call_that_changes_files(self):
        stands = symbols(powercut.LIBRARY, "--defined-only")
        self.assertIn("pwrite64", stands)
        sqlite = re.search(r"libsqlite3\S* => (\S+)", subprocess.run(
            ["ldd", ROOMKEEPD], capture_output=True, text=True, check=True).stdout).group(1)
        for path in (ROOMKEEP, ROOMKEEPD, sqlite):
            asked = symbols(path, "--undefined-only") & CHANGERS
            self.assertEqual(asked - stands, set(), path)

    def test_other_builds_hold_no_crash_points(self):
        """The one source file, compiled as the build says but without its test flag, is empty; so
        whatever visits a point there visits nothing."""
        with open(os.path.join(BIN, "../compile_commands.json"), encoding="utf-8") as f:
            entry = next(e for e in json.load(f) if e["file"].endswith("/base/crashpoint.c"))
        words = shlex.split(entry["command"])
        for flag, wanted in (("-UROOMKEEP_FAST_KDF", False), ("-DROOMKEEP_FAST_KDF=1", True)):
            with tempfile.TemporaryDirectory() as folder:
                out = os.path.join(folder, "crashpoint.o")
                command = [w for w in words if not w.startswith("-DROOMKEEP_FAST_KDF")]
                command[command.index("-o") + 1] = out
                command.insert(command.index("-o"), flag)
                subprocess.run(command, cwd=entry["directory"], check=True, capture_output=True)
                with open(out, "rb") as f:
                    code = f.read()
                self.assertEqual(b"ROOMKEEP_CRASH_AT" in code, wanted)
                self.assertEqual(b"store.commit_before" in code, wanted)

    def test_the_programs_do_what_their_version_says(self):
        for program in (ROOMKEEP, ROOMKEEPD):
            with open(program, "rb") as f:
                self.assertEqual(b"ROOMKEEP_CRASH_AT" in f.read(), TEST_BUILD, program)
            says = run([program, "--version"])[1]
            self.assertEqual("crash points" in says, TEST_BUILD, says)
            status = run([program, "--version"], env={"ROOMKEEP_CRASH_AT": "no.such"})[0]
            self.assertEqual(status, 64 if TEST_BUILD else 0)


if __name__ == "__main__":
    unittest.main()
