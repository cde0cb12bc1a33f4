"""Nothing leaks: a note's canary and patients' names in files, logs, packets and argument lists."""
import base64
import os
import secrets
import shutil
import subprocess
import unittest
import zlib

from harness import ClinicTest, ROOMKEEP, ROOMKEEPD, all_files, run, until


def forms(text):
    """The text as it might lie around: raw, UTF-16, hex, base64 at each of its three offsets."""
    raw = text.encode()
    found = {"raw": raw, "utf-16le": text.encode("utf-16-le"), "utf-16be": text.encode("utf-16-be"),
             "hex": raw.hex().encode(), "HEX": raw.hex().upper().encode()}
    for pad in range(3):
        coded = base64.b64encode(b"\0" * pad + raw).decode()
        # Without the characters at the ends that depend on the neighbours.
        found["base64+%d" % pad] = coded[4 if pad else 0:].rstrip("=")[:-2].encode()
    return found


def unpacked(data):
    """Every zlib or zstd stream inside `data`, unpacked."""
    for i in range(len(data) - 2):
        if data[i] == 0x78 and data[i + 1] in (0x01, 0x5e, 0x9c, 0xda):
            try:
                yield zlib.decompressobj().decompress(data[i:], 1 << 20)
            except zlib.error:
                pass
    at = data.find(b"\x28\xb5\x2f\xfd")
    while at >= 0 and shutil.which("zstd"):
        done = subprocess.run(["zstd", "-dcq"], input=data[at:], capture_output=True)
        yield done.stdout
        at = data.find(b"\x28\xb5\x2f\xfd", at + 1)


def search(name, data, text):
    hits = ["%s: %s" % (name, form) for form, needle in forms(text).items() if needle in data]
    return hits + ["%s: packed" % name for plain in unpacked(data) if text.encode() in plain]


class Secrets(ClinicTest):
    def search_files(self, files, text):
        hits = []
        for path in files:
            if os.path.exists(path):
                with open(path, "rb") as f:
                    hits += search(path, f.read(), text)
        return hits

    def test_search_finds_what_is_there(self):
        word = "canary-" + secrets.token_hex(8)
        for blob in (word.encode(), word.encode("utf-16-le"),
                     base64.b64encode(b"x" + word.encode()),
                     zlib.compress(b"some text with " + word.encode() * 3)):
            self.assertTrue(search("planted", b"\0junk" + blob + b"junk", word))

    def test_a_note_is_nowhere_but_with_its_author(self):
        canary = "canary-" + secrets.token_hex(12)
        name = "Zyx" + secrets.token_hex(8)
        patient = self.add_patient(self.room2, name)
        session = self.start_session(self.room2, patient)
        self.room2.call("set", "session", session, "--subjective", "About " + name)
        self.room2.call("add", "note", "--patient", patient, "--session", session, "-",
                        stdin=canary)
        self.room2.sync()
        until("Room 1 has the patient",
              lambda: self.room1.call("find", "patient", name)["patients"])
        self.room2.proxy.cut()
        self.room2.call("add", "note", "--patient", patient, "-", stdin=canary + " again")
        everywhere = self.search_files(all_files(self.clinic.data) + [self.clinic.log]
                                       + self.room1.files() + self.room2.files(), canary)
        self.assertEqual(everywhere, [])
        self.room1.lock()
        self.room2.lock()
        self.assertEqual(self.search_files(self.room1.files() + self.room2.files(), name), [])
        self.assertEqual(self.search_files([self.clinic.log], name), [])
        for room in (self.room1, self.room2):
            with room.proxy.lock:
                packets = bytes(room.proxy.seen)
            self.assertGreater(len(packets), 1000)
            self.assertEqual(search("packets", packets, canary), [])
            self.assertEqual(search("packets", packets, name), [])
        self.room2.proxy.heal()
        self.room2.sign_in("mara")
        self.assertEqual(sorted(n["text"] for n in self.room2.call("list", "notes")["notes"]),
                         [canary, canary + " again"])

    def test_others_cannot_tell_that_a_note_exists(self):
        """What Room 1 holds and answers is the same with and without Mara's notes."""
        patient = self.add_patient(self.room2)
        self.room2.sync()
        until("Room 1 has the patient",
              lambda: self.room1.call("find", "patient", "Maya")["patients"])

        def view():
            return [self.room1.call(*words) for words in (
                ("list", "notes"), ("list", "sessions", "--patient", patient), ("list", "pending"),
                ("find", "patient", "Maya"), ("list", "users"))]
        before = view()
        for i in range(20):
            self.room2.call("add", "note", "--patient", patient, "-", stdin="note %d" % i)
        self.room2.sync()
        # Something Room 1 may see, sent after the notes, shows that it has caught up.
        last = self.add_patient(self.room2, "Last One")
        self.room2.sync()
        until("Room 1 caught up",
              lambda: self.room1.call("find", "patient", "Last One")["patients"])
        self.room2.call("set", "patient", last, "--phone", "604 555 0100")
        self.assertEqual(view(), before)

    def test_the_server_has_no_code_that_opens_notes(self):
        symbols = subprocess.run(["nm", ROOMKEEPD], capture_output=True, text=True).stdout
        self.assertIn("cli_main", symbols)
        for name in ("note_open", "keyring_open", "note_seal"):
            self.assertNotIn(" %s\n" % name, symbols)
        room = subprocess.run(["nm", ROOMKEEP], capture_output=True, text=True).stdout
        self.assertIn(" note_open\n", room)

    def test_modes_of_files(self):
        for folder in (self.clinic.data, self.room1.home, self.clinic.kit):
            self.assertEqual(os.stat(folder).st_mode & 0o077, 0, folder)
            for path in all_files(folder):
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
        kit = os.listdir(self.clinic.kit)
        self.assertGreaterEqual(len(kit), 3)

    def test_core_files_are_off(self):
        pid = self.room2.agent.proc.pid
        with open("/proc/%d/limits" % pid) as f:
            core = [line for line in f if line.startswith("Max core file size")][0].split()
        self.assertEqual(core[4:6], ["0", "0"])


if __name__ == "__main__":
    unittest.main()
