"""Peers that do not behave: each is refused within its limit, and nobody else notices."""
import os
import socket
import sqlite3
import ssl
import struct
import subprocess
import threading
import time
import unittest
import random

from harness import ClinicTest, until

HELLO_FIELD = 10  # of Frame in proto/roomkeep/wire.proto


def make_key(folder, curve="P-256"):
    """A self-signed certificate by the openssl command; returns the PEM path."""
    key = os.path.join(folder, "k.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:" + curve, "-out", key], check=True, capture_output=True)
    return certify(folder, key)


def certify(folder, key):
    """The same for a key that is there."""
    cert, both = (os.path.join(folder, n) for n in ("c.pem", "kc.pem"))
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=x"], check=True, capture_output=True)
    with open(both, "w") as out:
        for part in (key, cert):
            with open(part) as f:
                out.write(f.read())
    return both


HELLO_S_MAX = 5  # so long the server waits for a Hello; what it refuses earlier it saw
MEMORY_KIB_MAX = 4096
REFUSED_NOT_ENROLLED = b"\x08\0\x9a\x03\x02\x08\x04"  # Frame.request 0, refuse, reason 4


def hello(clinic_id=None):
    """The frame Hello{proto_min 1, proto_max 1}, of a room of that clinic."""
    body = b"\x08\x01\x10\x01"
    if clinic_id is not None:
        body += b"\x22\x10" + clinic_id
    frame = bytes([HELLO_FIELD << 3 | 2, len(body)]) + body
    return struct.pack(">I", len(frame)) + frame


class Hostile(ClinicTest):
    def setUp(self):
        super().setUp()
        self.host, port = self.clinic.address.rsplit(":", 1)
        self.port = int(port)
        self.pem = make_key(self.clinic.root)
        self.patient = self.add_patient(self.room2)
        self.room2.sync()
        # One of each kind, so that what is allocated once does not count as growth.
        for s in (self.tcp(), self.tls()):
            s.sendall(b"\0\0\0\4junk")
            self.until_closed(s)
        self.others_work()
        self.before = self.memory_kib()

    def tearDown(self):
        """After every attack the rooms still work; the server is the same process, no larger."""
        self.assertTrue(self.clinic.server.running())
        self.others_work()
        self.assertLess(self.memory_kib() - self.before, MEMORY_KIB_MAX)

    def others_work(self):
        """A change goes from Room 2 over the server to Room 1; called also while an attack runs."""
        session = self.start_session(self.room2, self.patient)
        self.room2.call("set", "session", session, "--subjective", "Still here.")
        self.room2.sync(5)
        self.wait_text(self.room1, session, "subjective", "Still here.")

    def memory_kib(self):
        with open("/proc/%d/status" % self.clinic.server.proc.pid) as f:
            return int([line for line in f if line.startswith("VmRSS")][0].split()[1])

    def tcp(self, timeout=20):
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def tls(self, pem=None, alpn="crs/1", timeout=20, version=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if version is not None:
            context.maximum_version = version
        if alpn:
            context.set_alpn_protocols([alpn])
        if pem != "":
            context.load_cert_chain(pem or self.pem)
        return context.wrap_socket(self.tcp(timeout))

    def closed_within(self, sock, seconds):
        """What came before the server closed, which it did in time."""
        began = time.monotonic()
        got = self.until_closed(sock)
        self.assertLess(time.monotonic() - began, seconds)
        return got

    @staticmethod
    def until_closed(sock):
        """Reads until the server closes; returns what came. A timeout is an error of the test."""
        got = b""
        try:
            while True:
                piece = sock.recv(65536)
                if not piece:
                    return got
                got += piece
        except (ConnectionError, ssl.SSLError):
            return got
        finally:
            sock.close()

    def test_malformed_first_frames(self):
        rand = random.Random(7)
        for i in range(64):
            body = [b"", rand.randbytes(rand.randrange(1, 4000)), b"\xff" * 100, b"\x0a" * 50,
                    b"\x52\xff\xff\xff\xff\x0f", bytes(rand.randrange(1, 64)),
                    b"\x08\x01\x52\x02\x08\x63", b"\xfa\x01\x00"][i % 8]
            s = self.tls()
            s.sendall(struct.pack(">I", len(body)) + body)
            self.closed_within(s, HELLO_S_MAX - 1)
            if i % 16 == 0:
                self.others_work()

    def test_a_length_of_4_gib(self):
        for length in (b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\0\x10\0\x01", b"\0\0\x10\x01") * 2:
            s = self.tls()
            s.sendall(length + b"x" * 1000)
            self.closed_within(s, HELLO_S_MAX - 1)
            self.others_work()
        self.assertLess(self.memory_kib() - self.before, 1024)

    def test_somebody_who_does_not_speak_tls(self):
        for words in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 4096,
                      b"\x16\x03\x01\xff\xff" * 50, hello(bytes(16))):
            s = self.tcp()
            s.sendall(words)
            self.others_work()
            self.closed_within(s, 11)

    def test_a_key_that_is_not_on_the_list(self):
        """It may ask to join; a room of this clinic it is not."""
        with sqlite3.connect("file:%s?mode=ro" % os.path.join(self.clinic.data, "clinic.db"),
                             uri=True) as db:
            clinic_id, = db.execute("SELECT clinic_id FROM clinic").fetchone()
        db.close()
        for _ in range(8):
            s = self.tls(pem=make_key(self.clinic.root))
            s.sendall(hello(clinic_id))
            got = self.closed_within(s, HELLO_S_MAX - 1)
            self.assertEqual(got[4:], REFUSED_NOT_ENROLLED)
        self.others_work()

    def test_silence_ends_within_its_limit(self):
        plain, secure = self.tcp(), self.tls()
        began = time.monotonic()
        self.others_work()
        self.until_closed(secure)  # no Hello within 5 s
        self.assertLess(time.monotonic() - began, 7)
        self.until_closed(plain)  # no handshake within 10 s
        self.assertLess(time.monotonic() - began, 12)

    def drip(self, sock, first=b""):
        """Sends one byte a second until the server closes; returns how long that took."""
        sock.sendall(first)
        began = time.monotonic()
        stop = threading.Event()

        def send():
            for byte in struct.pack(">I", 3000) + b"x" * 3000:
                if stop.is_set():
                    return
                try:
                    sock.sendall(bytes([byte]))
                except OSError:
                    return
                stop.wait(1)
        threading.Thread(target=send, daemon=True).start()
        self.others_work()
        self.until_closed(sock)
        stop.set()
        return time.monotonic() - began

    def test_one_byte_a_second(self):
        self.assertLess(self.drip(self.tls()), 8)

    def test_one_byte_a_second_after_hello(self):
        took = self.drip(self.tls(timeout=30), hello())
        self.assertGreater(took, 8)  # it was let in first
        self.assertLess(took, 14)

    def test_a_retired_rooms_connection_ends_within_a_second(self):
        """One that does not go by itself: it has the room's key and reads on."""
        room3 = self.clinic.add_room("Room 3")
        room3.agent.stop()
        pem = certify(self.clinic.root, os.path.join(room3.home, "room.key"))
        s = self.tls(pem=pem)
        s.sendall(hello())
        self.assertGreater(len(s.recv(65536)), 64)  # Welcome, with the records for a room
        self.room1.call("retire", "room", "Room 3")
        began = time.monotonic()
        self.until_closed(s)
        self.assertLess(time.monotonic() - began, 1)
        again = self.tls(pem=pem)
        again.sendall(hello())
        self.assertLess(len(self.until_closed(again)), 64)  # Refuse and nothing more

    def test_wrong_keys_and_protocols(self):
        for attempt in (lambda: self.tls(pem=""), lambda: self.tls(alpn="h2"),
                        lambda: self.tls(alpn=None),
                        lambda: self.tls(version=ssl.TLSVersion.TLSv1_2),
                        lambda: self.tls(pem=make_key(self.clinic.root, "P-384"))):
            try:
                s = attempt()
            except (ssl.SSLError, ConnectionError):
                continue  # refused in the handshake
            # TLS 1.3: a room learns of the refusal at its first read; not by its silence.
            self.assertEqual(self.closed_within(s, HELLO_S_MAX - 1), b"")
        self.others_work()

    def test_a_crowd_of_strangers(self):
        crowd = []
        for _ in range(40):
            try:
                crowd.append(self.tls())
            except (ssl.SSLError, ConnectionError, socket.timeout):
                pass
        self.others_work()
        for s in crowd:
            s.close()
        until("both rooms online", lambda: all(r["state"] == "online"
                                               for r in self.clinic.status()["rooms"]))


if __name__ == "__main__":
    unittest.main()
