#!/usr/bin/env python3
"""kill -9 campaigns with real processes (`./dev crash`).

  crash.py [--kills N] [--seed S] [server|room]     default: 200 kills of each, seed 1

Two rooms write all the time; at random moments the server, or a room, is killed and started again.
After every kill `check database` must pass; at the end every change that a room reported as
committed must be there exactly once. The same code runs with few kills in `./dev test`.
"""
import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
TESTS = {"server": "test_the_server_is_killed", "room": "test_a_room_is_killed"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("what", nargs="*", choices=[[], *TESTS], help="default: both")
    args = parser.parse_args()
    os.environ["ROOMKEEP_KILLS"] = str(args.kills)
    os.environ["ROOMKEEP_SEED"] = str(args.seed)
    sys.path.insert(0, os.path.join(HERE, "..", "integration"))
    import test_crash  # reads the environment when it is loaded
    suite = unittest.TestSuite(test_crash.Crash(TESTS[name]) for name in args.what or TESTS)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors)
    print("%d kills each, seed %d" % (args.kills, args.seed))
    print("%d passed, %d failed" % (result.testsRun - bad, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
