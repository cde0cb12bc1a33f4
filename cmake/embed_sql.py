"""embed_sql.py OUT SYMBOL FILE...: makes a C file with the texts of the migrations, in order.

    const char *const SYMBOL[] = { "...", ... };
    const unsigned SYMBOL_count = N;

The files are named 0001.sql, 0002.sql, ...; a hole or a repeat stops the build.
"""
import os
import sys


def literal(text):
    lines = []
    for line in text.splitlines():
        escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
        lines.append(f'\t"{escaped}\\n"')
    return "\n".join(lines)


def main():
    out, symbol, files = sys.argv[1], sys.argv[2], sorted(sys.argv[3:])
    for index, name in enumerate(files, start=1):
        if os.path.basename(name) != f"{index:04d}.sql":
            sys.exit(f"embed_sql: expected {index:04d}.sql, found {name}")
    texts = []
    for name in files:
        with open(name, encoding="ascii") as f:
            texts.append(literal(f.read()))
    with open(out, "w", encoding="ascii") as f:
        f.write(f"extern const char *const {symbol}[];\nextern const unsigned {symbol}_count;\n\n")
        f.write(f"const char *const {symbol}[] = {{\n" + ",\n".join(texts) + "\n};\n")
        f.write(f"const unsigned {symbol}_count = {len(files)};\n")


main()
