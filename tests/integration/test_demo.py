"""The demo: it holds, says when it does not, and leaves nothing behind, however it ends."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import ROOMKEEPD, WAIT_S, answer, until

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools/demo.py")


def of_session(sid):
    """The living processes of a session: the demo's own children, whatever became of it."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                state, _, _, session = f.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it ended while we looked
        if int(session) == sid and state != "Z":
            found.append(pid)
    return found


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # nohup and a shell's & hand down signals that are ignored, and the demo respects that.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="roomkeep-demo-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *flags, **environment):
        self.said = ""
        self.demo = subprocess.Popen(
            [sys.executable, DEMO, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, TMPDIR=self.folder, **environment), start_new_session=True)
        self.addCleanup(self.end, self.demo)

    @staticmethod
    def end(demo):
        try:
            os.killpg(demo.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        demo.wait()
        demo.stdout.close()

    def until_said(self, words, limit=240):
        """Reads what it says up to `words`; None: to its end."""
        stop = time.monotonic() + limit
        while words is None or words not in self.said:
            left = max(0, stop - time.monotonic())
            if not select.select([self.demo.stdout], [], [], left)[0]:
                raise AssertionError("not within %d s: %s\n%s" % (limit, words, self.said))
            piece = os.read(self.demo.stdout.fileno(), 65536).decode()
            if not piece:
                if words is None:
                    return
                raise AssertionError("ended without: %s\n%s" % (words, self.said))
            self.said += piece

    def ended_with(self, status):
        self.until_said(None)
        self.assertEqual(self.demo.wait(WAIT_S), status, self.said)
        until("no process is left", lambda: not of_session(self.demo.pid))
        left = [os.path.join(at, name) for at, _, names in os.walk(self.folder) for name in names]
        self.assertEqual(os.listdir(self.folder), [], left)

    def test_once(self):
        self.start("--once")
        self.ended_with(0)
        self.assertRegex(self.said, r"All \d+ steps held")

    def test_a_step_that_does_not_hold(self):
        self.start("--once", ROOMKEEP_CRASH_AT="local.append_before")
        self.ended_with(1)
        self.assertIn("NOT HELD", self.said)

    def test_it_runs_until_ctrl_c(self):
        self.start()
        self.until_said("Ctrl-C stops the clinic")
        self.assertRegex(self.said, r"All \d+ steps held")
        data = re.search(r"ROOMKEEP_DATA=(\S+)", self.said)[1]
        status = answer([ROOMKEEPD, "status", "--data", data, "--json"])
        self.assertEqual([room["state"] for room in status["rooms"]], ["online", "online"])
        self.assertGreater(len(of_session(self.demo.pid)), 3)
        os.killpg(self.demo.pid, signal.SIGINT)  # as a terminal does: to every one of them
        self.ended_with(0)

    def test_it_is_ended_in_the_middle(self):
        for words, send, number in (
                ("A clinic is founded", os.kill, signal.SIGINT),
                ("an empty clinic", os.killpg, signal.SIGINT),
                ("Room 1 founds it", os.kill, signal.SIGTERM),
                ("Room 2 joins", os.killpg, signal.SIGHUP)):
            with self.subTest(words):
                self.start()
                self.until_said(words)
                send(self.demo.pid, number)
                self.ended_with(0)


if __name__ == "__main__":
    unittest.main()
