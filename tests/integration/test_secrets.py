"""Nothing leaks: a note's canary and patients' names in files, logs, packets and argument lists."""
import base64
import gzip
import json
import os
import secrets
import subprocess
import unittest
import zlib

from canary import search, search_files
from harness import ClinicTest, ROOMKEEP, ROOMKEEPD, all_files, run, until

HIDING = {
    "raw": lambda word: word,
    "UTF-16": lambda word: word.decode().encode("utf-16-le"),
    "UTF-16, high byte first": lambda word: word.decode().encode("utf-16-be"),
    "hex": lambda word: word.hex().encode(),
    "HEX": lambda word: word.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64, one byte later": lambda word: base64.b64encode(b"x" + word + b"yz"),
    "base64, two bytes later": lambda word: base64.b64encode(b"xx" + word),
    "base64 for addresses": lambda word: base64.urlsafe_b64encode(b"x" + word),
    "zlib": lambda word: zlib.compress(b"some text with " + word * 3),
    "zlib, stored": lambda word: zlib.compress(word, 0),
    "zlib, a small window": lambda word: small_window(word),
    "zlib, behind 3 MiB": lambda word: zlib.compress(bytes(3 << 20) + word),
    "zlib, torn": lambda word: zlib.compress(word + os.urandom(4096))[:2048] + b"x" * 999,
    "zlib of UTF-16": lambda word: zlib.compress(word.decode().encode("utf-16-le")),
    "zlib of base64": lambda word: zlib.compress(base64.b64encode(b"x" + word)),
    "gzip": gzip.compress,
    "zstd": lambda word: zstd(b"some text with " + word * 3),
    "zstd of hex": lambda word: zstd(word.hex().encode()),
}


def small_window(word):
    packer = zlib.compressobj(wbits=9)
    return packer.compress(word) + packer.flush()


def zstd(data):
    return subprocess.run(["zstd", "-q"], input=data, capture_output=True, check=True).stdout


class Search(unittest.TestCase):
    def test_search_finds_what_is_there(self):
        for length in range(24, 30):  # base64 ends in three ways
            word = "canary-" + secrets.token_hex(16)[:length]
            for name, hide in HIDING.items():
                planted = b"\0\x78junk" + hide(word.encode()) + b"junk"
                self.assertTrue(search("planted", planted, "another", word), name)
                self.assertEqual(search("planted", planted, word[::-1]), [], name)


class Secrets(ClinicTest):
    verbose = True  # what a log might tell it tells

    def everywhere(self):
        """All that anything wrote: server, rooms, logs, paper kit."""
        return all_files(self.clinic.root)

    def search_rooms(self, *words):
        return search_files(self.room1.files() + self.room2.files(), *words)

    def search_packets(self, *words):
        hits = []
        for room in (self.room1, self.room2):
            for way, packets in room.proxy.captured().items():
                self.assertGreater(len(packets), 1000)
                hits += search("%s, %s" % (room.name, way), packets, *words)
        return hits

    def test_a_note_is_nowhere_but_with_its_author(self):
        canary = "canary-" + secrets.token_hex(12)
        name, phone = "Zyx" + secrets.token_hex(8), "604555" + str(secrets.randbelow(9000) + 1000)
        patient = self.add_patient(self.room2, name)
        self.room2.call("set", "patient", patient, "--phone", phone)
        session = self.start_session(self.room2, patient)
        self.room2.call("set", "session", session, "--subjective", "About " + name)
        self.room2.call("add", "note", "--patient", patient, "--session", session, "-",
                        stdin=canary)
        self.room2.sync()
        until("Room 1 has the patient",
              lambda: self.room1.call("find", "patient", name)["patients"])
        self.assertTrue(search_files(all_files(self.clinic.data), name))  # the search does look
        self.room2.proxy.cut()
        self.room2.call("add", "note", "--patient", patient, "-", stdin=canary + " again")
        self.assertEqual(search_files(self.everywhere(), canary), [])  # delivered, and queued
        self.room2.agent.kill()  # nobody tidied up
        self.room1.lock()
        self.assertEqual(search_files(self.everywhere(), canary), [])
        self.assertEqual(self.search_rooms(name, phone), [])
        self.room2.serve()
        self.room2.proxy.heal()
        until("the courier delivered", lambda: self.room2.status()["outbox"]["queued"] == 0)
        self.assertEqual(search_files(self.everywhere(), canary), [])
        self.assertEqual(self.search_rooms(name, phone), [])
        self.room2.sign_in("mara")
        self.assertEqual(sorted(n["text"] for n in self.room2.call("list", "notes")["notes"]),
                         [canary, canary + " again"])
        self.room2.lock()
        self.assertEqual(search_files(self.everywhere(), canary), [])
        self.assertEqual(self.search_rooms(name, phone), [])
        for log in (self.clinic.log, self.room1.log, self.room2.log):
            self.assertGreater(os.path.getsize(log), 0, log)
        self.assertEqual(search_files([self.clinic.log], name, phone), [])
        self.assertEqual(self.search_packets(canary, name, phone), [])

    def test_others_cannot_tell_that_a_note_exists(self):
        """What a therapist and owner, the desk and the admin hold and are answered is the same with
        and without Mara's notes. Of numbers they see one, the clinic's count of all changes."""
        patient = self.add_patient(self.room2)
        self.clinic.add_user("Ann Admin", "ann", "admin")
        self.clinic.add_user("Tia Therapist", "tia", "therapist")
        rooms = [self.room1]
        for name, kind, login in (("Front", "desk", "sam"), ("Back", "desk", "ann"),
                                  ("Room 3", "treatment", "tia")):
            rooms.append(self.clinic.add_room(name, kind))
            rooms[-1].sign_in(login)
        session = self.start_session(self.room2, patient)
        self.room2.sync()
        readers = [self.room1, rooms[-1]]
        for room in readers + [rooms[1]]:
            until("%s has the patient" % room.name,
                  lambda r=room: r.call("find", "patient", "Maya")["patients"])

        def answers(room):
            got = []
            for words in (("list", "notes"), ("list", "notes", "--patient", patient),
                          ("list", "sessions", "--patient", patient),
                          ("show", "session", session), ("list", "pending"),
                          ("find", "patient", "Maya"), ("list", "users"), ("list", "rooms"),
                          ("status",)):
                status, out, err = run(room.args(*words))
                if words == ("status",):
                    out = json.loads(out)
                    out.pop("since")
                    # How many changes the clinic has made is no secret (SECURITY 2.13); an
                    # admin's room is not told even that.
                    if room is not rooms[2]:
                        out["cursor"].pop("seq")
                got.append((words, status, out, err))
            return got

        def catch_up(word):
            """Something all may see, sent last, shows that they have caught up."""
            self.add_patient(self.room2, word)
            self.room2.sync()
            for room in readers + [rooms[1]]:
                until("%s caught up" % room.name,
                      lambda r=room: r.call("find", "patient", word)["patients"])
        for room in readers:
            room.session(session)  # its `opened` op is written once
        catch_up("First")
        before = [answers(room) for room in rooms]
        notes = [self.room2.call("add", "note", "--patient", patient, *more, "-",
                                 stdin="note %d" % i)["note_id"]
                 for i in range(10) for more in ((), ("--session", session))]
        catch_up("Last")
        self.assertEqual([answers(room) for room in rooms], before)
        self.assertEqual(len(self.room2.call("list", "notes", "--patient", patient)["notes"]),
                         len(notes))
        for room in rooms:
            for words in (("show", "session", notes[0]), ("list", "sessions", "--patient",
                                                          notes[0])):
                self.assertNotEqual(run(room.args(*words))[0], 0, (room.name, words))
            # Not even an id of one is in what the room holds.
            self.assertEqual(search_files(room.files(), notes[0], notes[-1]), [])
        told = json.dumps([self.clinic.status(), self.clinic.check()])
        self.assertNotIn(patient, told)

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
        for process in (self.room2.agent, self.clinic.server):
            with open("/proc/%d/limits" % process.proc.pid) as f:
                core = [line for line in f if line.startswith("Max core file size")][0].split()
            self.assertEqual(core[4:6], ["0", "0"], process.args)


if __name__ == "__main__":
    unittest.main()
