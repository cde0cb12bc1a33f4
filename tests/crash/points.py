"""Named crash points (common/base/crashpoint.h) in real programs: who reaches which, and how."""
import contextlib
import os
import re
import shutil

import harness
from clinic import NO_ANSWER, Died, Refused, killed
from harness import PASSPHRASE, ROOMKEEPD, Failed, until

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../common/base/crashpoint.h")

SERVER_LOAD = ("store.op_before", "store.op_after_row", "store.op_after_views",
               "store.op_after_audit", "store.head_after", "store.commit_before",
               "store.commit_after")
SERVER_IDLE = ("store.checkpoint_before", "store.checkpoint_after")
ROOM_LOAD = ("local.append_before", "local.append_after_row", "local.append_after_outbox",
             "local.commit_before", "local.commit_after", "local.ack_before", "local.ack_after",
             "local.feed_before", "local.feed_after_rows", "local.feed_after")
# (who dies, point, at which visit): who is "init" for `roomkeepd init`, "server", "found" for
# `roomkeep found`.
FOUNDING = (("init", "db.migrate_before", 1), ("init", "db.migrate_after", 1),
            ("found", "db.migrate_before", 1), ("found", "db.migrate_after", 1),
            ("server", "store.found_before", 1), ("server", "store.found_after", 1),
            ("server", "store.account_before", 1), ("server", "store.account_after", 1),
            ("server", "store.commit_before", 1), ("server", "store.commit_after", 1),
            ("found", "local.found_after", 1))
# What no verb of the programs reaches: shown by unit tests of the store only.
UNREACHED = {
    "store.purge_before": "no verb erases a record yet; unit/server/store/crash_test.c kills here",
    "store.purge_after": "no verb erases a record yet; unit/server/store/crash_test.c kills here",
}


def all_points():
    with open(SOURCE, encoding="utf-8") as f:
        return re.findall(r'^\s*X\([A-Z_]+, "([a-z._]+)"\)', f.read(), re.M)


def at(point, visit=1):
    return {"ROOMKEEP_CRASH_AT": "%s:%d" % (point, visit)}


def must_die_here(proc, point):
    if not killed(proc):
        raise AssertionError("%s: ended with %s instead" % (point, proc.proc.poll()))


# -- under load ------------------------------------------------------------------------------------

def run_load_points(clinic, load, hits, rand, tally):
    """Server and a room in turn are started with a point armed, meet it, and start again."""
    server, rooms = list(SERVER_LOAD + SERVER_IDLE), list(ROOM_LOAD)
    rand.shuffle(server)
    rand.shuffle(rooms)
    for i in range(hits):
        if i % 2 == 0:
            point = server[i // 2 % len(server)]
            server_dies_at(clinic, load, point, rand, tally)
        else:
            point = rooms[i // 2 % len(rooms)]
            room_dies_at(rand.choice(clinic.rooms), load, point, rand, tally)


def server_dies_at(clinic, load, point, rand, tally):
    idle = point in SERVER_IDLE
    load.grant(0 if idle else 4)
    clinic.server.kill()
    with contextlib.suppress(Died):
        # A server that was stopped with work to do may meet its point before it is ready.
        clinic.start(at(point, 1 if idle or point == "store.head_after" else rand.randint(1, 12)))
        wait = until if idle else load.until
        wait("the server reaches %s" % point, lambda: not clinic.server.running())
    must_die_here(clinic.server, point)
    told = load.committed()
    clinic.start()
    clinic.check_server(told)
    tally.hit(point)


def room_dies_at(room, load, point, rand, tally):
    room.agent.kill()
    try:
        room.start_in(at(point, rand.randint(1, 8)))
        load.until("the room reaches %s" % point, lambda: not room.agent.running())
    except (Died, Refused, *NO_ANSWER):
        until("the room has ended", lambda: not room.agent.running())
    must_die_here(room.agent, point)
    room.start_in()
    load.writer_of(room).judge_current()
    tally.hit(point)


# -- scenes: what load does not reach ---------------------------------------------------------------

def run_scenes(clinic, tally):
    for point in ("store.room_before", "store.room_after"):
        scene_enrol(clinic, point, "server", tally)
    scene_enrol(clinic, "local.enrol_after", "enrol", tally)
    for point in ("store.account_before", "store.account_after"):
        scene_account(clinic, point, tally)
    scene_undo(clinic, tally)
    scene_quarantine(clinic, tally)
    scene_sign_in(clinic, tally)
    scene_sign_in_offline(clinic, tally)


def server_armed(clinic, point):
    clinic.server.kill()
    clinic.start(at(point))
    wait_online(clinic.rooms[0])


def server_again(clinic, point, tally):
    until("the server reaches %s" % point, lambda: not clinic.server.running())
    must_die_here(clinic.server, point)
    clinic.start()
    clinic.check_server(set())
    wait_online(clinic.rooms[0])
    tally.hit(point)


def wait_online(room):
    until("%s is online" % room.name, lambda: room.ask("status")["link"] == "online")


def tolerate(call):
    """Runs what the crash interrupts; its answer says nothing."""
    with contextlib.suppress(Failed, Refused, *NO_ANSWER):
        call()


def scene_enrol(clinic, point, who, tally):
    """A room joins, somebody dies, and the same code and home work the second time."""
    name = "Extra %d" % tally["hits"]
    room = clinic.room(name, "mara")
    words = room.args("enrol", "-", "--server", room.proxy.address)
    if who == "server":
        server_armed(clinic, point)
        code = clinic.invite(name)
        harness.run(words, code)
        server_again(clinic, point, tally)
    else:
        code = clinic.invite(name)
        status, _, err = harness.run(words, code, env=at(point))
        if status != -9:
            raise AssertionError("%s: enrol ended with %d: %s" % (point, status, err))
        tally.hit(point)
    harness.answer(words, code)
    room.start_in()
    room.ask("find/patient", text="Maya")
    room.agent.stop()
    room.proxy.cut()
    listed = [r["name"] for r in clinic.rooms[0].ask("list/rooms")["rooms"]]
    if listed.count(name) != 1:
        raise AssertionError("%s: listed %d times" % (name, listed.count(name)))


def scene_account(clinic, point, tally):
    login = "new%d" % tally["hits"]

    def add():
        clinic.rooms[0].ask("add/user", name="New Person", login=login, roles=["desk"],
                            new_passphrase=PASSPHRASE)
    server_armed(clinic, point)
    tolerate(add)
    server_again(clinic, point, tally)
    add()  # it was before COMMIT: nothing of the first try may be in the way
    users = [u["login"] for u in clinic.rooms[0].ask("list/users")["users"]]
    if users.count(login) != 1:
        raise AssertionError("%s: listed %d times" % (login, users.count(login)))


def scene_undo(clinic, tally):
    """Something that the server refuses only after it began to write it: a name twice."""
    server_armed(clinic, "store.undo_after")
    tolerate(lambda: clinic.rooms[0].ask("disable/user", login="jo"))
    tolerate(lambda: clinic.rooms[0].ask("retire/room", name="No such room"))
    server_again(clinic, "store.undo_after", tally)


def scene_quarantine(clinic, tally):
    """A room whose disk was put back to an older state writes a second history: the server keeps
    one and puts the other aside."""
    room = clinic.room("Restored %d" % tally["hits"], "mara")
    code = clinic.invite(room.name)
    harness.answer(room.args("enrol", "-", "--server", room.proxy.address), code)
    room.start_in()
    room.ask("add/patient", name="Old Image", born="1990-01-01")
    room.ask("sync", wait_s=30)
    room.agent.stop()
    image = room.home + ".image"
    shutil.copytree(room.home, image)
    room.start_in()
    room.ask("add/patient", name="First History", born="1990-01-01")
    room.ask("sync", wait_s=30)
    room.agent.stop()
    shutil.rmtree(room.home)
    os.rename(image, room.home)
    server_armed(clinic, "store.quarantine_after")
    room.proxy.cut()
    room.start_in()
    room.ask("add/patient", name="Second History", born="1990-01-01")
    room.proxy.heal()
    tolerate(lambda: room.ask("sync", wait_s=1))
    server_again(clinic, "store.quarantine_after", tally)
    until("the second history is put aside",
          lambda: room.ask("status")["outbox"]["quarantined"] > 0)
    room.agent.stop()
    room.proxy.cut()


def room_dies(room, point, tally):
    until("the room reaches %s" % point, lambda: not room.agent.running())
    must_die_here(room.agent, point)
    room.start_in()
    tally.hit(point)


def scene_sign_in(clinic, tally):
    room = clinic.rooms[1]
    room.agent.kill()
    room.start(at("local.sign_in_after"))
    wait_online(room)
    tolerate(room.enter)
    room_dies(room, "local.sign_in_after", tally)


def scene_sign_in_offline(clinic, tally):
    room = clinic.rooms[1]
    room.agent.kill()
    room.proxy.cut()
    room.start(at("local.sign_in_try"))
    tolerate(room.enter)
    room_dies(room, "local.sign_in_try", tally)
    room.proxy.heal()
    wait_online(room)


# -- founding --------------------------------------------------------------------------------------

def run_founding(clinic, case, tally):
    """A clinic is made, somebody dies on the way, and the same commands make it all the same."""
    who, point, visit = case
    if who == "init":
        founding_init(clinic, point)
    room = clinic.room("Room 1", "jo")
    if who == "server":
        clinic.server.kill()
        clinic.start(at(point, visit))
        harness.run(clinic.found_words(room), PASSPHRASE)
        until("the server reaches %s" % point, lambda: not clinic.server.running())
        must_die_here(clinic.server, point)
        clinic.start()
    elif who == "found":
        status, _, err = harness.run(clinic.found_words(room), PASSPHRASE, env=at(point, visit))
        if status != -9:
            raise AssertionError("%s: found ended with %d: %s" % (point, status, err))
    clinic.found_first(room)
    room.start_in()
    room.ask("add/patient", name="First Patient", born="1988-04-02")
    room.ask("sync", wait_s=30)
    clinic.check_server(room.committed())
    if len(room.committed()) != 1:
        raise AssertionError("%s: %s" % (point, room.ask("list/pending")))
    tally.hit(point)


def founding_init(clinic, point):
    """`init` is killed in an empty folder and called again there; the clinic's server moves to it."""
    clinic.server.kill()
    clinic.data += "2"
    words = [ROOMKEEPD, "init", "--data", clinic.data, "--listen",
             "127.0.0.1:%d" % harness.free_port(), "--json"]
    status, _, err = harness.run(words, env=at(point))
    if status != -9:
        raise AssertionError("%s: init ended with %d: %s" % (point, status, err))
    init = harness.answer(words)
    clinic.setup_code, clinic.address = init["setup_code"], init["address"]
    clinic.start()
