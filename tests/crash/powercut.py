"""The tester's side of tests/support/powercut.c: a disk with accidents for one program."""
import os
import shutil
import struct

LIBRARY = os.path.join(os.path.dirname(os.environ.get("ROOMKEEP_BIN", os.path.join(
    os.path.dirname(__file__), "../../build/debug/bin"))), "tests", "powercut.so")

NONE, FULL, FULL_HIDDEN, READ_ONLY, SYNC_FAILS, LIE = range(6)
FAULTS = {"full": FULL, "full_hidden": FULL_HIDDEN, "read_only": READ_ONLY,
          "sync_fails": SYNC_FAILS}
CALLS = (None, "open", "write", "resize", "sync", "name", "exit")
FIELDS = ("mode", "countdown", "seed", "calls", "faults", "cut_call", "writes", "sectors_lost",
          "sectors_kept", "names_undone")


class Disk:
    """The control file of one program. Make it anew before every start of the program."""

    def __init__(self, folder, seed, mode=NONE, countdown=0):
        self.folder, self.path = folder, folder + ".control"
        self.beside = folder + ".powercut"
        with open(self.path, "wb") as f:
            f.write(struct.pack("10I", mode, countdown, seed % 2**32, *[0] * 7))

    def env(self):
        return {"LD_PRELOAD": LIBRARY, "POWERCUT_FOLDER": self.folder,
                "POWERCUT_CONTROL": self.path}

    def _set(self, field, value):
        with open(self.path, "r+b") as f:
            f.seek(4 * FIELDS.index(field))
            f.write(struct.pack("I", value))

    def fail(self, mode):
        self._set("mode", mode)

    def heal(self):
        self._set("mode", NONE)

    def cut_after(self, calls):
        self._set("countdown", calls)

    def read(self):
        with open(self.path, "rb") as f:
            return dict(zip(FIELDS, struct.unpack("10I", f.read(40))))

    def remove(self):
        shutil.rmtree(self.beside, ignore_errors=True)
        os.unlink(self.path)

    def was_cut(self):
        """What the cut did, or None when none came."""
        seen = self.read()
        if not seen["cut_call"]:
            return None
        return dict({k: seen[k] for k in FIELDS[6:]}, call=CALLS[seen["cut_call"]])
