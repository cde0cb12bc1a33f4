#!/usr/bin/env python3
"""Writes catalogue_data.c from the CSV files beside this script.

usage: make_catalogue.py DATA_DIR OUTPUT.c
Run by the build (common/CMakeLists.txt). The rules of what an entry allows are explained in
common/record/catalogue.h; this script is where they are applied. It stops on anything it does not
understand, so that a mistyped CSV stops the build and not a clinic.
"""
import csv
import sys
from decimal import Decimal

NONE, LEFT, RIGHT, MIDLINE, BOTH = 0, 1, 2, 3, 4
POSITIVE, NEGATIVE, EQUIVOCAL, UNABLE = 1, 2, 3, 4
ONE_SIDE = [LEFT, RIGHT]
ANY_SIDE = [LEFT, RIGHT, MIDLINE, BOTH]

# Range of motion: unit -> (name in the catalogue, lowest, highest).
ROM_UNITS = {"deg": (-60, 220), "cm": (-30, 150), "mm": (0, 200), "level": (0, 20)}
# Regions of special tests that a person has two of.
LIMBS = {"shoulder", "elbow", "wrist", "wrist/hand", "hip", "hip/knee", "knee", "ankle", "foot",
         "lower leg"}
TRUNK = {"cervical", "cervical/lumbar", "neural", "thoracic outlet", "jaw", "thoracic", "lumbar",
         "sacroiliac", "general"}
SCALE_UNITS = {"vas": "mm", "odi": "percent"}
ALERTS = {"", "caution", "refer"}


def fail(what):
    sys.exit(f"make_catalogue: {what}")


def rows(folder, name, columns):
    with open(f"{folder}/{name}.csv", encoding="utf-8", newline="") as f:
        reader = csv.DictReader(f)
        if reader.fieldnames != columns:
            fail(f"{name}.csv has columns {reader.fieldnames}")
        for row in reader:
            if None in row or None in row.values():
                fail(f"{name}.csv line {reader.line_num}: wrong number of fields")
            yield {k: v.strip() for k, v in row.items()}


def milli(text):
    value = Decimal(text) * 1000
    if value != value.to_integral_value() or abs(value) > 2**31 - 1:
        fail(f"not a number of thousandths: {text}")
    return int(value)


def quote(text):
    if any(ord(c) < 32 or c in '"\\' or ord(c) > 126 for c in text):
        fail(f"text needs escaping: {text!r}")
    return f'"{text}"'


def bits(values):
    return sum(1 << v for v in values)


def flag(value):
    return str(bool(value)).lower()


def verified(row):
    """V was seen in a source, K is own knowledge: to be marked wherever it is shown."""
    if row["conf"] not in ("V", "K"):
        fail(f"conf is V or K: {row}")
    return flag(row["conf"] == "V")


def higher(row):
    if row["better"] not in ("higher", "lower"):
        fail(f"better is higher or lower: {row}")
    return flag(row["better"] == "higher")


def entry(ref, name, group, unit, hint, alert, kind, sides, results, need, low=None, high=None,
          about="", better="false", sure="false"):
    return {"ref": ref, "name": name, "group": group, "unit": unit, "hint": hint, "alert": alert,
            "kind": kind, "sides": bits(sides), "results": bits(results), "need": need,
            "takes": low is not None, "low": low or 0, "high": high or 0, "about": about,
            "better": better, "sure": sure}


ROM_COLUMNS = ["id", "joint", "movement", "side", "unit", "better", "aaos", "ama",
               "other_typical", "test_position", "source", "conf"]


def rom_entries(folder):
    for r in rows(folder, "rom", ROM_COLUMNS):
        if r["unit"] not in ROM_UNITS or r["side"] not in ("mid", "both"):
            fail(f"rom.csv {r['id']}: unit or side")
        low, high = ROM_UNITS[r["unit"]]
        sides = [MIDLINE] if r["side"] == "mid" else ONE_SIDE
        name = f"{r['joint']} {r['movement']}"
        need = r["side"] == "both"
        yield entry(r["id"], name, r["joint"], r["unit"], r["test_position"], "", "ROM", sides,
                    [UNABLE], need, low * 1000, high * 1000, r["movement"], higher(r),
                    verified(r))
        if r["unit"] == "deg" and not r["joint"].endswith("test"):
            yield mmt_entry("mmt_" + r["id"], f"strength of {name}", r["joint"], sides, need)


def mmt_entry(ref, name, group, sides, need):
    return entry(ref, name, group, "grade", "grades 0 to 5 with halves as in the table", "", "MMT",
                 sides, [UNABLE], need, 0, 5000, "strength", "true", "true")


def test_entries(folder):
    for r in rows(folder, "special_tests", ["id", "name", "region", "tests_for", "positive_when",
                                            "alert", "conf"]):
        if r["region"] not in LIMBS | TRUNK or r["alert"] not in ALERTS:
            fail(f"special_tests.csv {r['id']}: region or alert")
        limb = r["region"] in LIMBS
        yield entry(r["id"], r["name"], r["region"], "", r["positive_when"], r["alert"], "TEST",
                    [LEFT, RIGHT, BOTH] if limb else ANY_SIDE,
                    [POSITIVE, NEGATIVE, EQUIVOCAL, UNABLE], limb, about=r["tests_for"],
                    sure=verified(r))


SCALE_COLUMNS = ["id", "name", "min", "max", "better", "mcid", "mdc", "use", "source", "note",
                 "conf"]


def scale_entries(folder):
    for r in rows(folder, "scales", SCALE_COLUMNS):
        unit = SCALE_UNITS.get(r["id"], "points")
        yield entry(r["id"], r["name"], "scale", unit, r["note"], "", "SCALE", ANY_SIDE, [UNABLE],
                    False, milli(r["min"]), milli(r["max"]), r["name"], higher(r), verified(r))


def write_entries(out, entries):
    entries.sort(key=lambda e: e["ref"])
    for a, b in zip(entries, entries[1:]):
        if a["ref"] == b["ref"]:
            fail(f"two entries are called {a['ref']}")
    out.append("const struct catalogue_entry catalogue_entries[] = {")
    for e in entries:
        texts = ", ".join(quote(e[k]) for k in ("ref", "name", "group", "unit", "hint", "alert",
                                                "about"))
        out.append(f"\t{{ {texts}, CATALOGUE_{e['kind']}, {e['sides']}u, {e['results']}u, "
                   f"{flag(e['need'])}, {flag(e['takes'])}, {e['low']}, {e['high']}, "
                   f"{e['better']}, {e['sure']} }},")
    out.append("};")


def normal(text):
    """A normal value of rom.csv; CATALOGUE_NO_NORMAL where the source gives none."""
    return "CATALOGUE_NO_NORMAL" if text == "" else str(milli(text))


def write_roms(out, folder):
    out.append("const struct catalogue_rom catalogue_rom_rows[] = {")
    for r in sorted(rows(folder, "rom", ROM_COLUMNS), key=lambda r: r["id"]):
        out.append(f"\t{{ {quote(r['id'])}, {normal(r['aaos'])}, {normal(r['ama'])}, "
                   f"{quote(r['other_typical'])}, {quote(r['test_position'])}, "
                   f"{quote(r['source'])}, {verified(r)} }},")
    out.append("};")


def write_grades(out, folder):
    out.append("const struct catalogue_grade catalogue_grade_rows[] = {")
    for r in rows(folder, "mmt", ["grade", "code", "meaning", "conf"]):
        tested = r["code"] != ""
        out.append(f"\t{{ {quote(r['grade'])}, {milli(r['code']) if tested else 0}, "
                   f"{flag(tested)}, {quote(r['meaning'])}, {verified(r)} }},")
    out.append("};")


def write_mdcs(out, folder):
    out.append("const struct catalogue_mdc catalogue_mdc_rows[] = {")
    for r in rows(folder, "mdc", ["ref", "method", "rater", "mdc", "unit", "measure", "source",
                                  "conf"]):
        out.append(f"\t{{ {quote(r['ref'])}, {quote(r['method'])}, {quote(r['rater'])}, "
                   f"{milli(r['mdc'])}, {quote(r['unit'])}, {quote(r['measure'])}, "
                   f"{quote(r['source'])}, {verified(r)} }},")
    out.append("};")


def write_flags(out, folder):
    out.append("const struct catalogue_flag catalogue_flag_rows[] = {")
    for r in rows(folder, "red_flags", ["id", "group", "flag", "action", "conf"]):
        out.append("\t{ " + ", ".join(quote(r[k]) for k in ("id", "group", "flag", "action"))
                   + f", {verified(r)} }},")
    out.append("};")


def write_scales(out, folder):
    out.append("const struct catalogue_scale catalogue_scale_rows[] = {")
    for r in rows(folder, "scales", SCALE_COLUMNS):
        if r["use"] not in ("proof", "own_eyes"):
            fail(f"scales.csv {r['id']}: use is proof or own_eyes")
        out.append(f"\t{{ {quote(r['id'])}, {higher(r)}, {milli(r['mcid'] or '0')}, "
                   f"{milli(r['mdc'] or '0')}, {flag(r['use'] == 'proof')}, {quote(r['source'])}, "
                   f"{quote(r['note'])}, {verified(r)} }},")
    out.append("};")


SUGGEST_KINDS = {"rom": {"ROM"}, "test": {"TEST", "MMT"}, "function": {"SCALE"}}


def write_suggestions(out, folder, entries):
    kinds = {e["ref"]: e["kind"] for e in entries}
    out.append("const struct catalogue_suggestion catalogue_suggestion_rows[] = {")
    for r in rows(folder, "suggest", ["region", "complaint", "rom", "test", "function"]):
        for column, allowed in SUGGEST_KINDS.items():
            if kinds.get(r[column]) not in allowed:
                fail(f"suggest.csv {r['region']} {r['complaint']}: {column} {r[column]}")
        out.append("\t{ " + ", ".join(quote(t) for t in r.values()) + " },")
    out.append("};")


def main():
    if len(sys.argv) != 3:
        fail("usage: make_catalogue.py DATA_DIR OUTPUT.c")
    folder, output = sys.argv[1:]
    entries = list(rom_entries(folder)) + list(test_entries(folder)) + list(scale_entries(folder))
    entries.append(mmt_entry("mmt", "strength, muscle named in the text", "strength", ANY_SIDE,
                             False))
    out = ["/* Made by common/record/data/make_catalogue.py from the CSV files there. */",
           '#include "record/catalogue_tables.h"', ""]
    write_entries(out, entries)
    for write in (write_roms, write_grades, write_mdcs, write_flags, write_scales):
        write(out, folder)
    write_suggestions(out, folder, entries)
    for name in ("entries", "rom_rows", "grade_rows", "mdc_rows", "flag_rows", "scale_rows",
                 "suggestion_rows"):
        out.append(f"const size_t catalogue_{name}_count = "
                   f"sizeof(catalogue_{name}) / sizeof(catalogue_{name}[0]);")
    with open(output, "w", encoding="utf-8", newline="\n") as f:
        f.write("\n".join(out) + "\n")


main()
