#!/usr/bin/env python3
"""The house rules that compilers and clang-tidy do not know. Used by `./dev lint`.

tidy.py [--build DIR]   checks the tree; with DIR also that every header compiles alone
tidy.py --self-test     checks the checker: each rule finds its example

Reads: sources with comments and texts blanked out, the link rows of the CMakeLists files, and
DIR/compile_commands.json. One finding is one line `path:line: what`; exit 1 when there is any.

An exception is written where it stands, with its reason: /* tidy: allow RULE, because ... */ on the
same line or the one before; for a whole file (rules file-length, function-length) in its first ten
lines.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

LINE_COLUMNS_MAX = 100
TAB_COLUMNS = 8
FUNCTION_LINES_MAX = 70
SOURCE_LINES_MAX = 800
HEADER_LINES_MAX = 200

SOURCE_TREES = ("common", "server", "client")
PURE = ("server/core/", "client/core/", "common/wire/", "common/record/")
SILENT = PURE + ("common/crypt/", "common/seal/", "common/db/", "server/store/", "client/store/")
UV = ("common/net/", "server/net/", "client/net/", "client/web/", "server/backup/",
      "client/backup/", "server/ops/", "client/ops/", "server/main.c", "client/main.c")
SQL = ("common/db/", "server/store/", "client/store/", "server/backup/")

# rule, pattern, where it applies (None = everywhere), where it is allowed, what to do instead
BANS = [
    ("unsafe-text", r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|strtok)\s*\(",
     None, (), "use struct buf or snprintf"),
    ("atoi", r"\b(atoi|atol|atoll|atof)\s*\(", None, (), "it cannot report an error; use strtol"),
    ("assert", r"(?<![\w.])assert\s*\(", None, (), "REQUIRE or INSIST: they stay in every build"),
    ("return-minus-one", r"\breturn\s*\(?\s*-\s*1\s*\)?\s*;", None, (), "return an enum err"),
    ("memset", r"\bmemset\s*\(", None, (), "initialise with = { 0 }, wipe with explicit_bzero"),
    ("libc-rand", r"(?<![\w.>])(rand|srand|random|srandom|rand_r)\s*\(", None, (),
     "use a rand_source"),
    ("shell", r"(?<![\w.>])(system|popen|alloca)\s*\(", None, (), "never"),
    ("not-reentrant", r"\b(localtime|gmtime|ctime|asctime|strerror|readdir_r)\s*\(", SOURCE_TREES,
     (), "use the _r form"),
    ("struct-typedef", r"\btypedef\s+(struct|union|enum)\b", None, (), "write struct name"),
    ("sleep", r"(?<![\w.>])(sleep|usleep|nanosleep|clock_nanosleep)\s*\(", None, (),
     "wait for the event, not for time"),
    ("uv", r"\buv_\w+", SOURCE_TREES, UV, "libuv is for net, web, backup, ops and main"),
    ("ssl", r"\bSSL_\w+", SOURCE_TREES, ("common/net/tls_pipe.c",), "go through net/tls_pipe.h"),
    ("sqlite", r"\bsqlite3(_\w+)?\b", SOURCE_TREES, SQL, "go through db/db.h in a store"),
    ("memcmp", r"\bmemcmp\s*\(", ("common/crypt/", "common/seal/"), (),
     "compare in constant time"),
    ("pure-clock", r"\b(time|clock|clock_gettime|gettimeofday|timespec_get)\s*\(", PURE, (),
     "the caller passes now_ms"),
    ("pure-random", r"\b(getrandom|randombytes_\w+|rand_system)\b", PURE, (),
     "the caller passes a rand_source"),
    ("pure-io", r"(?<![\w.>])(f?open|openat|fdopen|fread|fwrite|read|write|pread|pwrite|f?printf"
                r"|puts|fputs|putchar|perror|socket|connect|bind|listen|accept|send|recv|unlink"
                r"|rename|getenv|fork|pthread_create)\s*\(", PURE, (), "core decides, others act"),
    ("log", r"\blog_(event|error|warn|info|debug)\s*\(", SILENT, (),
     "return the error; net, ops, web, cli and main log"),
]

# header, who may include it (tests may include all)
LIBRARIES = [
    (r"uv\.h", UV),
    (r"openssl/.*", ("common/net/",)),
    (r"sqlite3\.h", SQL),
    (r"sodium(/.*)?\.h", ("common/crypt/", "common/seal/", "server/backup/")),
    (r"libgfshare\.h", ("common/seal/",)),
    (r"microhttpd\.h", ("client/net/", "client/web/")),
    (r"jansson\.h", ("common/cli/", "client/api/", "client/web/", "client/cli/", "server/ops/",
                     "server/cli/")),
    (r"curl/.*", ("client/cli/",)),
    (r"libsmartcols/.*", ("client/cli/", "server/cli/")),
    (r"qrencode\.h", ("client/api/", "client/cli/")),
    (r"utf8proc\.h", ("common/crypt/", "common/record/")),
    (r"(cairo|pango|fontconfig/).*\.h", ("client/print/",)),
    (r"systemd/.*", ("client/api/", "client/cli/", "client/main.c", "server/ops/", "server/cli/",
                     "server/main.c")),
]
PURE_HEADERS = r"(time|unistd|fcntl|pthread|poll|signal|dirent|netdb|sys/.*|arpa/.*|netinet/.*)\.h"

# Targets that a folder must never reach, whatever the link rows say.
NEVER = [
    (r"rk_server_.*", r"rk_(client_.*|seal)", "the server has no code that opens a note"),
    (r"rk_client_.*", r"rk_server_.*", "rooms and server share common/ only"),
    (r"rk_(server|client)_core", r"rk_(?!base$|wire$|record$|proto$).*", "core is pure"),
    (r"rk_(base|wire|crypt|seal|db|net|record)", r"rk_(server|client)_.*", "common is below"),
]


class Finding(Exception):
    pass


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def blank(text):
    """Comments, texts and characters become spaces; line and column of the rest stay."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return token.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def allowed_by_comment(lines, line, rule):
    form = re.compile(r"tidy: allow " + re.escape(rule) + r", \S+")
    return any(form.search(lines[i]) for i in (line - 1, line - 2) if 0 <= i < len(lines))


def allowed_for_file(lines, rule):
    return any(f"tidy: allow {rule}, " in line for line in lines[:10])


def applies(path, where, allowed):
    if any(path.startswith(a) for a in allowed):
        return False
    if where is None:
        return True
    return any(path.startswith(w if w.endswith("/") else w + "/") for w in where)


def check_bans(path, text):
    code = blank(text)
    lines = text.split("\n")
    for rule, pattern, where, allowed, instead in BANS:
        if not applies(path, where, allowed):
            continue
        for m in re.finditer(pattern, code):
            line = line_of(code, m.start())
            if not allowed_by_comment(lines, line, rule):
                yield path, line, f"{rule}: {m.group(0).strip()}: {instead}"
    for i, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            yield path, i, "todo: finish it or open an issue"


def check_sizes(path, text):
    lines = text.rstrip("\n").split("\n")
    for i, line in enumerate(lines, 1):
        columns = len(line.expandtabs(TAB_COLUMNS))
        if columns > LINE_COLUMNS_MAX and not allowed_by_comment(lines, i, "line-length"):
            yield path, i, f"line-length: {columns} columns, at most {LINE_COLUMNS_MAX}"
        if line != line.rstrip():
            yield path, i, "trailing-space"
    if path.endswith((".c", ".h")) and not allowed_for_file(lines, "file-length"):
        limit = HEADER_LINES_MAX if path.endswith(".h") else SOURCE_LINES_MAX
        if len(lines) > limit:
            yield path, limit, f"file-length: {len(lines)} lines, at most {limit}"


def check_functions(path, text):
    """clang-format puts the braces of a function, and of nothing else, alone in column one."""
    lines = text.split("\n")
    if allowed_for_file(lines, "function-length"):
        return
    start = None
    for i, line in enumerate(lines, 1):
        if line == "{":
            start = i
        elif line == "}" and start is not None:
            if i - start - 1 > FUNCTION_LINES_MAX:
                yield path, start, (f"function-length: {i - start - 1} lines, "
                                    f"at most {FUNCTION_LINES_MAX}")
            start = None


def check_header(path, text):
    if not path.endswith(".h"):
        return
    name = os.path.basename(path)[:-2]
    if not text.startswith(f"/* {name}: "):
        yield path, 1, f"header-comment: begins with `/* {name}: what it is for`"
    if len(re.findall(r"^#pragma once$", text, re.M)) != 1:
        yield path, 1, "pragma-once: exactly one"


def check_includes(path, text, rows):
    in_tests = path.startswith("tests/")
    for m in re.finditer(r'^#\s*include\s+(["<])([^">]+)[">]', text, re.M):
        line, form, header = line_of(text, m.start()), m.group(1), m.group(2)
        if "../" in header:
            yield path, line, f"include: {header}: no way upward"
        if in_tests:
            continue
        if form == "<":
            yield from check_library(path, line, header)
        elif rows is not None:
            yield from check_own(path, line, header, rows)


def check_library(path, line, header):
    for pattern, who in LIBRARIES:
        if re.fullmatch(pattern, header) and not any(path.startswith(w) for w in who):
            yield path, line, f"include: <{header}> is for {', '.join(who)}"
    if path.startswith(PURE) and re.fullmatch(PURE_HEADERS, header):
        yield path, line, f"include: <{header}>: no clock, files, sockets or threads here"


def check_own(path, line, header, rows):
    folder = os.path.dirname(path)
    named = os.path.dirname(header)
    if not named:
        yield path, line, f'include: "{header}": name it from the root of its tree'
        return
    if named == "roomkeep" and header.endswith(".pb-c.h"):
        named_target = "rk_proto"
    else:
        named_target = next((r.name for r in rows.values() if r.shown_as == named), None)
    row = rows.get(folder)
    if row is None or named_target is None:
        return  # main.c, generated headers: the compiler decides
    if named_target not in reach(rows, row.name):
        yield path, line, f'include: "{header}": {row.name} does not link {named_target}'


# -- link rows -------------------------------------------------------------------------------------

class Row:
    def __init__(self, name, path, shown_as, links):
        self.name, self.path, self.shown_as, self.links = name, path, shown_as, links


def read_rows():
    """Folder -> Row, from every roomkeep_folder(...) call."""
    rows = {}
    for tree in SOURCE_TREES:
        text = re.sub(r"#[^\n]*", "", read(f"{tree}/CMakeLists.txt"))
        for body in re.findall(r"\broomkeep_folder\(([^)]*)\)", text):
            words = body.split()
            value = {key: words[words.index(key) + 1] for key in ("NAME", "PATH", "AS")}
            links = words[words.index("LINK") + 1:] if "LINK" in words else []
            rows[value["PATH"]] = Row(value["NAME"], value["PATH"], value["AS"], links)
    return rows


def reach(rows, name):
    """The targets whose headers a target sees: itself and all below it."""
    by_name = {r.name: r for r in rows.values()}
    seen, todo = set(), [name]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo += by_name[at].links if at in by_name else []
    return seen


def check_rows(rows):
    for row in rows.values():
        for who, never, why in NEVER:
            if not re.fullmatch(who, row.name):
                continue
            for target in sorted(reach(rows, row.name) - {row.name}):
                if re.fullmatch(never, target):
                    yield row.path, 0, f"link: {row.name} reaches {target}: {why}"
        if row.path not in rows or not os.path.isdir(os.path.join(ROOT, row.path)):
            yield row.path, 0, "link: there is no such folder"


# -- headers alone ---------------------------------------------------------------------------------

def include_flags(build):
    """Folder -> -I and -D flags its sources are compiled with; "" -> all of them."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        commands = json.load(f)
    flags = {"": []}
    for entry in commands:
        words = shlex.split(entry["command"])
        picked = []
        for i, word in enumerate(words):
            if word.startswith(("-I", "-D")):
                picked.append(word)
            elif word == "-isystem":
                picked += [word, words[i + 1]]
        folder = os.path.relpath(os.path.dirname(entry["file"]), ROOT)
        known = flags.setdefault(folder, [])
        if folder.startswith("tests"):
            # Sources of one test folder may belong to targets that link different things.
            known += [p for p in picked if p not in known or not p.startswith("-I")]
        elif not known:
            known += picked
        if not folder.startswith("tests"):
            flags[""] += [p for p in picked if p.startswith("-I") and p not in flags[""]]
    return flags


def compile_header(path, flags):
    # Included from a one-line source: `#pragma once` warns in a main file.
    command = ["clang", "-fsyntax-only", "-std=gnu11", "-Wall", "-Wextra", "-Werror",
               "-D_GNU_SOURCE", *flags, "-x", "c", "-"]
    source = f'#include "{os.path.join(ROOT, path)}"\n'
    done = subprocess.run(command, input=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.returncode, done.stdout


def check_headers_alone(build, headers):
    flags = include_flags(build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        jobs = {path: pool.submit(compile_header, path,
                                  flags.get(os.path.dirname(path), flags[""]))
                for path in headers}
        for path, job in jobs.items():
            code, output = job.result()
            if code != 0:
                yield path, 1, "alone: does not compile alone\n" + output.rstrip()


# -- the whole -------------------------------------------------------------------------------------

def tree_files():
    found = []
    for top in SOURCE_TREES + ("tests",):
        for form in ("*.c", "*.h"):
            found += glob.glob(os.path.join(ROOT, top, "**", form), recursive=True)
    return sorted(os.path.relpath(p, ROOT) for p in found)


def scripts():
    found = [os.path.join(ROOT, "dev"), os.path.join(ROOT, ".ci/run")]
    found += glob.glob(os.path.join(ROOT, "tests/tools/*")) + glob.glob(
        os.path.join(ROOT, "tests/integration/*.py"))
    return sorted(os.path.relpath(p, ROOT) for p in found
                  if os.path.isfile(p) and not p.endswith(".pyc"))


def check_file(path, text, rows):
    yield from check_bans(path, text)
    yield from check_sizes(path, text)
    yield from check_functions(path, text)
    yield from check_header(path, text)
    yield from check_includes(path, text, rows)


def check_tree(build):
    rows = read_rows()
    yield from check_rows(rows)
    files = tree_files()
    for path in files:
        yield from check_file(path, read(path), rows)
    for path in scripts():
        yield from check_sizes(path, read(path))
    if build is not None:
        yield from check_headers_alone(build, [p for p in files if p.endswith(".h")])


EXAMPLES = [
    ("common/base/x.c", "\tstrcpy(a, b);", "unsafe-text"),
    ("tests/unit/base/x_test.c", "\tsprintf (a, b);", "unsafe-text"),
    ("server/net/x.c", "\tint n = atoi(text);", "atoi"),
    ("server/net/x.c", "\tassert(n > 0);", "assert"),
    ("client/api/x.c", "\treturn -1;", "return-minus-one"),
    ("client/api/x.c", "\treturn (-1);", "return-minus-one"),
    ("client/api/x.c", "\tmemset(&x, 0, sizeof(x));", "memset"),
    ("client/api/x.c", "\tint r = rand();", "libc-rand"),
    ("client/api/x.c", "\treturn system(line);", "shell"),
    ("client/api/x.c", "\tlocaltime(&t);", "not-reentrant"),
    ("client/api/x.c", "typedef struct x x_t;", "struct-typedef"),
    ("tests/unit/net/x_test.c", "\tusleep(100);", "sleep"),
    ("server/core/x.c", "\tuv_now(loop);", "uv:"),
    ("common/net/tcp.c", "\tSSL_read(s, p, n);", "ssl:"),
    ("client/core/x.c", "\tsqlite3 *db;", "sqlite:"),
    ("common/seal/x.c", "\tif (memcmp(a, b, 32) == 0) return;", "memcmp"),
    ("server/core/x.c", "\tnow = time(NULL);", "pure-clock"),
    ("common/wire/x.c", "\trandombytes_buf(p, 4);", "pure-random"),
    ("common/record/x.c", '\tFILE *f = fopen("x", "r");', "pure-io"),
    ("server/store/x.c", '\tlog_error("store", "x");', "log:"),
    ("server/net/x.c", "/* TODO: later */", "todo"),
    ("server/net/x.c", "\t" + "x" * 93, "line-length"),
    ("server/net/x.c", "int x; ", "trailing-space"),
    ("server/net/x.c", "int f(void)\n{\n" + "\tx();\n" * 71 + "}", "function-length"),
    ("server/net/x.c", "int x;\n" * 801, "file-length"),
    ("server/net/x.h", "/* x: y */\n#pragma once\n" + "int x;\n" * 199, "file-length"),
    ("server/net/x.h", "#pragma once", "header-comment"),
    ("server/net/x.h", "/* x: why */\n", "pragma-once"),
    ("tests/unit/x_test.c", '#include "../x.h"', "no way upward"),
    ("server/core/x.c", "#include <uv.h>", "include: <uv.h>"),
    ("server/core/x.c", "#include <sys/socket.h>", "include: <sys/socket.h>"),
    ("server/cli/x.c", "#include <sodium.h>", "include: <sodium.h>"),
    ("server/net/x.c", '#include "x.h"', "from the root"),
    ("server/store/x.c", '#include "seal/note.h"', "does not link rk_seal"),
    ("common/base/x.c", '#include "wire/frame.h"', "does not link rk_wire"),
]
FINE = [
    ("common/base/x.c", "/* strcpy( */ const char *s = \"atoi(\"; // memset("),
    ("common/base/x.c", "\tx_assert(n); n = my_rand(3); d->read(d, p);"),
    ("common/net/tls_pipe.c", "\tSSL_read(s, p, n);"),
    ("server/store/store_sqlite.c", "\tsqlite3_step(s);"),
    ("common/base/x.c", "\tif (memcmp(a, b, 4) == 0) return x; /* not crypt */"),
    ("client/api/x.c",
     "\t/* tidy: allow return-minus-one, the library asks for it */\n\treturn -1;"),
    ("server/net/x.c", "int f(void)\n{\n" + "\tx();\n" * 70 + "}"),
    ("server/net/x.c", "\t" + "x" * 92),
    ("server/core/x.c", '#include "base/err.h"\n#include "wire/frame.h"\n#include <string.h>'),
]


def self_test():
    rows = read_rows()
    wrong = 0
    for path, text, want in EXAMPLES:
        said = [what for _, _, what in check_file(path, text + "\n", rows)]
        if not any(want in what for what in said):
            print(f"self-test: {want} was not found in {path}: {text[:60]!r}, but {said}")
            wrong += 1
    for path, text in FINE:
        said = [what for _, _, what in check_file(path, text + "\n", rows)]
        if said:
            print(f"self-test: {path}: {text[:60]!r} is fine, but {said}")
            wrong += 1
    evil = dict(rows)
    evil["server/core"] = Row("rk_server_core", "server/core", "server/core", ["rk_seal"])
    if not any("opens a note" in what for _, _, what in check_rows(evil)):
        print("self-test: a server that links rk_seal was not found")
        wrong += 1
    print(f"{len(EXAMPLES) + len(FINE) + 1 - wrong} of {len(EXAMPLES) + len(FINE) + 1} hold")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    findings = list(check_tree(args.build))
    for path, line, what in findings:
        print(f"{path}:{line}: {what}")
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
