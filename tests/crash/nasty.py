"""A network between a room and the server that does what networks do, chosen by a seed."""
import contextlib
import select
import socket
import threading
import time

from harness import free_port

# What may happen to a connection while the weather is bad.
TRICKS = ("delay", "stall", "cut", "half_open", "trickle", "twin", "ghost")


class Link:
    """One connection of a room: two sockets and two threads that carry bytes."""

    def __init__(self, net, near, far):
        self.net, self.near, self.far = net, near, far
        self.broken, self.haunted = threading.Event(), False
        for a, b in ((near, far), (far, near)):
            threading.Thread(target=self.carry, args=(a, b), daemon=True).start()

    def carry(self, a, b):
        try:
            while not self.broken.is_set():
                if not select.select([a], [], [], 0.05)[0]:
                    continue
                data = a.recv(65536)
                if not data:
                    self.close()
                    return
                self.net.pass_on(self, a, b, data)
        except (OSError, ValueError):
            if not self.haunted:  # a ghost has something to deliver yet
                self.close()

    def close(self):
        self.broken.set()
        for s in (self.near, self.far):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


class Nasty:
    """A relay like harness.Proxy, with bad weather. `storm` starts it, `calm` ends it: then every
    connection it harmed is reset and new ones are carried as they are."""

    def __init__(self, target, rand):
        self.target, self.rand = target, rand
        self.bad, self.links, self.counts = False, [], {}
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = free_port()
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def trick(self):
        """What happens next; None: nothing."""
        with self.lock:
            if not self.bad or self.rand.random() < 0.6:
                return None
            return self.rand.choice(TRICKS)

    def draw(self, low, high):
        with self.lock:
            return self.rand.uniform(low, high)

    def dial(self):
        host, port = self.target.rsplit(":", 1)
        far = socket.create_connection((host, int(port)), timeout=5)
        far.settimeout(None)
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return far

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.join, args=(near,), daemon=True).start()

    def join(self, near):
        weather = self.draw(0, 1) if self.bad else 1
        try:
            if weather < 0.3:
                self.count("refuse")
                raise OSError("refused by the weather")
            if weather < 0.6:
                self.count("late")
                time.sleep(self.draw(0.05, 0.5))  # it is the network that is slow, not the test
            far = self.dial()
        except OSError:
            near.close()
            return
        link = Link(self, near, far)
        with self.lock:
            self.links.append(link)

    def pass_on(self, link, a, b, data):
        trick = self.trick()
        if trick == "delay":
            self.count(trick)
            link.broken.wait(self.draw(0.02, 0.4))
        elif trick == "stall":  # no byte for a while, then all of them
            self.count(trick)
            link.broken.wait(self.draw(0.5, 2.5))
        elif trick == "cut":  # inside a frame, most of the time
            self.count(trick)
            b.sendall(data[:int(len(data) * self.draw(0, 1))])
            link.close()
            return
        elif trick == "half_open":  # one side hears nothing any more, and nobody tells it
            self.count(trick)
            self.swallow(link, a)
            return
        elif trick == "trickle":  # a byte a second
            self.count(trick)
            self.trickle(link, b, data)
            return
        elif trick == "twin":  # the same bytes arrive on a second connection, too
            self.count(trick)
            self.twin(data)
        elif trick == "ghost" and a is link.near:
            self.count(trick)
            self.ghost(link, data)
            return
        b.sendall(data)

    def ghost(self, link, data):
        """The room loses its connection and comes back on another one; what it had sent arrives at
        the server only then."""
        link.haunted = True
        with contextlib.suppress(OSError):
            link.near.shutdown(socket.SHUT_RDWR)
        link.broken.wait(self.draw(0.2, 2))
        with contextlib.suppress(OSError):
            link.far.sendall(data)
        link.close()

    def swallow(self, link, a):
        end = time.monotonic() + self.draw(1, 8)
        while time.monotonic() < end and self.bad and not link.broken.is_set():
            if select.select([a], [], [], 0.05)[0] and not a.recv(65536):
                break
        link.close()

    def trickle(self, link, b, data):
        end = time.monotonic() + self.draw(2, 5)
        for i in range(len(data)):
            if time.monotonic() > end or not self.bad:
                b.sendall(data[i:])
                return
            b.sendall(data[i:i + 1])
            if link.broken.wait(1):
                return

    def twin(self, data):
        with contextlib.suppress(OSError), self.dial() as other:
            other.sendall(data)
            other.settimeout(0.2)
            other.recv(4096)

    def storm(self):
        self.bad = True

    def calm(self):
        self.bad = False
        self.drop()

    def drop(self):
        with self.lock:
            links, self.links = self.links, []
        for link in links:
            link.close()

    def cut(self):
        """For good."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.drop()
