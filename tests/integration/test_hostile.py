"""Peers that do not behave: each is refused within its limit, and nobody else notices."""
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
import unittest
import random

from harness import ClinicTest, until


def make_key(folder, curve="P-256"):
    """A self-signed certificate by the openssl command; returns the PEM path."""
    key, cert, both = (os.path.join(folder, n) for n in ("k.pem", "c.pem", "kc.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:" + curve, "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=x"], check=True, capture_output=True)
    with open(both, "w") as out:
        for part in (key, cert):
            with open(part) as f:
                out.write(f.read())
    return both


class Hostile(ClinicTest):
    def setUp(self):
        super().setUp()
        self.host, port = self.clinic.address.rsplit(":", 1)
        self.port = int(port)
        self.pem = make_key(self.clinic.root)
        self.patient = self.add_patient(self.room2)
        self.room2.sync()

    def tearDown(self):
        """After every attack the rooms still work and the server is the same process."""
        self.assertTrue(self.clinic.server.running())
        session = self.start_session(self.room2, self.patient)
        self.room2.call("set", "session", session, "--subjective", "Still here.")
        self.room2.sync(15)
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
        before = self.memory_kib()
        for i in range(64):
            body = [b"", os.urandom(rand.randrange(1, 4000)), b"\xff" * 100, b"\x0a" * 50,
                    b"\x52\xff\xff\xff\xff\x0f", bytes(rand.randrange(1, 64)),
                    b"\x08\x01\x52\x02\x08\x63", b"\xfa\x01\x00"][i % 8]
            s = self.tls()
            s.sendall(struct.pack(">I", len(body)) + body)
            self.until_closed(s)
        self.assertLess(self.memory_kib() - before, 8192)

    def test_a_length_of_4_gib(self):
        before = self.memory_kib()
        for _ in range(8):
            s = self.tls()
            s.sendall(b"\xff\xff\xff\xff" + b"x" * 1000)
            began = time.monotonic()
            self.until_closed(s)
            self.assertLess(time.monotonic() - began, 5)
        self.assertLess(self.memory_kib() - before, 4096)

    def test_somebody_who_does_not_speak_tls(self):
        s = self.tcp()
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        began = time.monotonic()
        self.until_closed(s)
        self.assertLess(time.monotonic() - began, 11)

    def test_silence_ends_within_its_limit(self):
        plain, secure = self.tcp(), self.tls()
        began = time.monotonic()
        self.until_closed(secure)  # no Hello within 5 s
        self.assertLess(time.monotonic() - began, 7)
        self.until_closed(plain)  # no handshake within 10 s
        self.assertLess(time.monotonic() - began, 12)

    def test_one_byte_a_second(self):
        s = self.tls()
        began = time.monotonic()
        stop = threading.Event()

        def drip():
            for byte in struct.pack(">I", 3000) + b"x" * 3000:
                if stop.is_set():
                    return
                try:
                    s.sendall(bytes([byte]))
                except OSError:
                    return
                stop.wait(1)
        threading.Thread(target=drip, daemon=True).start()
        self.until_closed(s)
        stop.set()
        self.assertLess(time.monotonic() - began, 8)

    def test_wrong_keys_and_protocols(self):
        for attempt in (lambda: self.tls(pem=""), lambda: self.tls(alpn="h2"),
                        lambda: self.tls(alpn=None),
                        lambda: self.tls(version=ssl.TLSVersion.TLSv1_2),
                        lambda: self.tls(pem=make_key(self.clinic.root, "P-384"))):
            try:
                s = attempt()
            except (ssl.SSLError, ConnectionError):
                continue  # refused in the handshake
            # TLS 1.3: a room learns of the refusal at its first read.
            self.assertEqual(self.until_closed(s), b"")

    def test_a_crowd_of_strangers(self):
        crowd = []
        for _ in range(40):
            try:
                crowd.append(self.tls())
            except (ssl.SSLError, ConnectionError, socket.timeout):
                pass
        session = self.start_session(self.room2, self.patient)
        self.room2.sync(10)
        for s in crowd:
            s.close()
        until("both rooms online", lambda: all(r["state"] == "online"
                                               for r in self.clinic.status()["rooms"]))
        self.assertTrue(session)


if __name__ == "__main__":
    unittest.main()
