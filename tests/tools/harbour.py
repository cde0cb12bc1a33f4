#!/usr/bin/env python3
"""Makes tests/data/harbour/: sixteen months of the pretend clinic "Harbour Massage" as CSV.

harbour.py [--check]    --check: writes nothing, says whether the files are what this script makes

Either way it first checks what the README beside the data promises about it.

Nobody in it is real: names, dates and texts are made up here, telephone numbers are from the range
kept for fiction (555-0100 to 555-0199), mail addresses end in example.org. The seed is fixed and no
clock is read, so each run gives identical bytes. tests/data/harbour/README.md explains the columns.
"""

import argparse
import csv
import io
import os
import random
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(ROOT, "tests/data/harbour")
SEED = 31
SESSIONS = 300
DAYS_MAX = 485  # about 16 months
STARTS = ["09:00", "10:15", "11:30", "13:30", "14:45", "16:00", "17:15"]
MINUTES = [45, 60, 60, 60, 75]

ROOMS = [("Room 1", "treatment"), ("Room 2", "treatment")]
STAFF = [("jo", "Jo Park", "owner therapist"), ("mara", "Mara Lind", "therapist"),
         ("sam", "Sam Okafor", "desk")]

# -- people ----------------------------------------------------------------------------------------

# One list is one household: (name, name used, born). 24 alone, 5 of two, 2 of three.
HOUSEHOLDS = [
    [("Adaeze Nwosu", "", "1987-03-14")],
    [("Bernard Falk", "", "1958-11-02")],
    [("Cecilia Roth-Aune", "Cissi", "1991-06-25")],
    [("Dmitri Volkonov", "", "1979-01-30")],
    [("Eleanor Ashdown", "Nell", "1946-08-19")],
    [("Farid Haddadi", "", "1984-12-07")],
    [("Gwendolyn Pryce", "Gwen", "1969-05-11")],
    [("Hiroshi Tanabe", "", "1973-09-23")],
    [("Inés Carrasco", "", "1995-02-17")],
    [("Jürgen Weidmann", "", "1962-10-05")],
    [("Katarzyna Wilk", "Kasia", "1988-07-29")],
    [("Lachlan Muirhead", "", "1999-04-03")],
    [("Margarethe Sölle", "Grete", "1951-12-21")],
    [("Nkechi Abara", "", "1982-08-08")],
    [("Oliver Tranmere", "Ollie", "2001-01-16")],
    [("Priya Venkatesan", "", "1990-11-27")],
    [("Quentin Delaroche", "", "1976-03-09")],
    [("Rosalind Okoye-Hart", "Roz", "1967-06-13")],
    [("Siobhán Keaveney", "", "1985-09-01")],
    [("Tomasz Brzeziński", "Tomek", "1978-02-24")],
    [("Ulla Hedström", "", "1954-07-07")],
    [("Vikram Chaudhry", "", "1993-05-20")],
    [("Winifred Oakes", "Win", "1939-10-31")],
    [("Xiulan Meng", "Lan", "1981-04-12")],
    [("Daniel Marchetti", "Dan", "1974-06-02"), ("Yasmin Marchetti", "", "1977-09-18")],
    [("Arthur Penhallow", "", "1948-03-26"), ("Beatrice Penhallow", "Bea", "1950-01-08")],
    [("Callum Reid", "", "1986-12-15"), ("Fiona Strachan", "", "1989-08-04")],
    [("Zofia Lindqvist", "", "1972-11-11"), ("Emil Lindqvist", "", "2006-05-30")],
    [("Marcus Adeyemi", "", "1983-02-06"), ("Grace Adeyemi", "", "1985-10-22")],
    [("Helen Castellane", "", "1970-04-28"), ("Paul Castellane", "", "1968-07-15"),
     ("Ruby Castellane", "", "2004-12-03")],
    [("Noor Rahimi", "", "1992-01-05"), ("Samir Rahimi", "", "1990-03-31"),
     ("Leila Rahimi", "", "1961-09-09")],
]

# Patients with a story; everybody else's is drawn. (name, complaint, therapist, days ago)
COOLING = ("Gwendolyn Pryce", "low_back", "mara", [204, 183, 162, 141, 120, 99, 78, 57, 36])
PROGRESS = ("Farid Haddadi", "neck", "jo", [63, 49, 35, 21, 7])
UNSIGNED = ("Priya Venkatesan", "headache", "mara", [71, 43, 22, 1])
NEW = ("Lachlan Muirhead", "ankle", "mara", [3])
FAMILY = [("Daniel Marchetti", "low_back", "jo", [150, 129, 101, 73, 45, 17]),
          ("Yasmin Marchetti", "headache", "mara", [148, 120, 92, 66, 38, 10])]

# -- complaints ------------------------------------------------------------------------------------

# Measures taken within a session: (ref, side or None for the patient's sore side, first value,
# aim, gain within one session), or (ref, side, None, None, None) for a test with a result.
COMPLAINTS = {
    "neck": {
        "share": 7,
        "measures": [("cx_rot", None, 46, 72, 7), ("cx_lat", None, 28, 40, 4),
                     ("nprs_neck", "", 6, 1, -2), ("cx_maxfor", None, None, None, None)],
        "extra": [("ndi", 21, 7)],
        "first": ["Stiff neck for {time}, {side} more, worst when reversing the car. "
                  "No arm symptoms.",
                  "Woke with a stiff neck {time} ago and it never quite cleared. "
                  "Desk work all day.",
                  "Neck tight on the {side}, \"like a rope\". No dizziness, no numbness."],
        "better": ["Shoulder check is easier, still a pull at the end on the {side}.",
                   "Slept through most nights this week. Ache by Friday afternoon.",
                   "Can read in bed again, says the {side} still \"catches\" in the morning."],
        "same": ["About the same. Two long days at the screen.",
                 "Good for four days, then it crept back after a long drive."],
        "objective": ["Upper trapezius and levator scapulae firm and tender {side}, 3/4. "
                      "Head carried forward.",
                      "Trigger point mid levator {side}, refers to the shoulder blade. "
                      "End feel firm in rotation.",
                      "Sub-occipitals tight both sides, {side} more. No bony tenderness."],
        "assessment": ["Signs consistent with muscular neck stiffness, {side}.",
                       "Levator and scalenes still short on the {side}; joint play better.",
                       "Responding well. Rotation is holding between visits."],
        "plan": ["Chin nods 2 x 10 daily. Screen up by a hand's width. Again in {gap} days.",
                 "Levator stretch after each hour of desk work. Recheck rotation {side} next time.",
                 "Heat in the evening, stretch as shown. {gap} days."],
    },
    "headache": {
        "share": 4,
        "measures": [("cx_frt", None, 29, 42, 5), ("cx_flex", "mid", 38, 48, 4),
                     ("nprs", "", 5, 1, -2), ("cx_dnf", "", None, None, None)],
        "extra": [("ndi", 17, 6)],
        "first": ["Headaches three times a week for {time}, from the neck over to the {side} eye. "
                  "Seen by the family doctor, nothing found.",
                  "Band-like headache after work, {side} more. Sleep poor, clenches at night."],
        "better": ["One headache this week, gone after a walk.",
                   "Two mild ones. No tablets needed since last time.",
                   "Fewer, and they start later in the day."],
        "same": ["Three headaches, one of them bad. Deadline at work.", "No change yet."],
        "objective": ["Sub-occipitals tender {side}, pressure brings the known ache. "
                      "Flexion-rotation short to the {side}.",
                      "Temporalis and masseter tight. Upper neck stiff on the {side}."],
        "assessment": ["Signs consistent with headache from the upper neck and jaw muscles.",
                       "Upper neck moves more freely, headache days going down."],
        "plan": ["Headache diary. Neck nods twice a day. {gap} days.",
                 "Jaw rest position, heat, water. Letter to the doctor if not better by visit 4.",
                 "Keep the diary going, bring it along. {gap} days."],
    },
    "low_back": {
        "share": 7,
        "measures": [("lx_flex", "mid", 38, 58, 7), ("sp_ftf", "mid", 24, 6, -5),
                     ("nprs", "", 6, 1, -2), ("lx_slr", None, None, None, None)],
        "extra": [("odi", 34, 12)],
        "first": ["Low back pain for {time} after lifting, across the belt, {side} more. "
                  "No leg symptoms, no change in bladder or bowel.",
                  "Stiff low back in the mornings for {time}, eases after an hour."],
        "better": ["Puts on socks without sitting down again.",
                   "Good after gardening on Sunday, only tired.",
                   "Sat through a whole film. Mild ache {side}."],
        "same": ["Same as last time. Long drive on Tuesday.",
                 "A step back after moving furniture, settling now."],
        "objective": ["Lumbar extensors firm both sides, {side} more. Quadratus tender 2/4.",
                      "Guarded forward bend, hips do the work. Hamstrings short.",
                      "Paraspinals softer than last time, bend smoother."],
        "assessment": ["Signs consistent with mechanical low back pain. No warning signs today.",
                       "Improving; bend is limited by hamstrings now."],
        "plan": ["Walk 20 minutes daily, pelvic tilts 2 x 10. {gap} days.",
                 "Hip hinge practised. Homecare: cat and camel, mornings. {gap} days.",
                 "Back to swimming, easy. Recheck forward bend. {gap} days."],
    },
    "shoulder": {
        "share": 5,
        "measures": [("sh_abd", None, 118, 168, 12), ("sh_flex", None, 132, 172, 10),
                     ("nprs_sh", "", 6, 1, -2), ("sh_hawkins", None, None, None, None)],
        "extra": [("spadi", 48, 15)],
        "first": ["{Side} shoulder sore for {time}, reaching overhead and sleeping on it.",
                  "Pain at the side of the {side} arm since painting a ceiling {time} ago."],
        "better": ["Reaches the top shelf, still careful.",
                   "Sleeps on the {side} again for part of the night.",
                   "Swam four lengths without trouble."],
        "same": ["No worse. Did the exercises twice only.", "Tender after carrying shopping."],
        "objective": ["Painful arc {side} from about 70 degrees. Infraspinatus tender 3/4.",
                      "Shoulder blade slow to turn up. Pectoralis minor short {side}.",
                      "Elevation smoother, arc smaller."],
        "assessment": ["Signs consistent with irritation under the roof of the {side} shoulder.",
                       "Range is coming back; strength to follow."],
        "plan": ["Table slides 3 x 10, pain below 4. {gap} days.",
                 "Band work outward, light. Sleep with a pillow under the arm. {gap} days."],
    },
    "hip": {
        "share": 3,
        "measures": [("hp_ir", None, 22, 38, 5), ("hp_flex", None, 98, 116, 6),
                     ("nprs", "", 5, 1, -2), ("hp_faber", None, None, None, None)],
        "extra": [("lefs", 52, 70)],
        "first": ["Tight {side} hip and buttock for {time}, worse after sitting.",
                  "Deep ache in the {side} buttock when running more than 3 km, for {time}."],
        "better": ["Ran 5 km, stiff next day, no pain.", "Sits through meetings now.",
                   "Stairs are fine, tying the shoe is still tight."],
        "same": ["Same ache on long drives.", "Missed the stretches this week."],
        "objective": ["Piriformis and gluteus medius tender {side}. Inward turn short.",
                      "Hip flexors short on the {side}, pelvis tips forward."],
        "assessment": ["Signs consistent with deep gluteal muscle tension, {side}.",
                       "Inward turn of the hip is gaining."],
        "plan": ["Figure-four stretch, clamshells 2 x 12. {gap} days.",
                 "Stand up every 40 minutes. Ball release at home. {gap} days."],
    },
    "ankle": {
        "share": 2,
        "measures": [("le_wblt", None, 5, 10, 1.5), ("an_df", None, 9, 18, 3),
                     ("nprs", "", 4, 0, -1), ("an_adr", None, None, None, None)],
        "extra": [("lefs", 48, 72)],
        "first": ["Turned the {side} ankle {time} ago at five-a-side. Walks without support.",
                  "Stiff {side} ankle since the cast came off {time} ago."],
        "better": ["Jogged on grass, no swelling after.", "Down the stairs foot over foot."],
        "same": ["Swollen after a day on the feet.", "Stiff in the mornings."],
        "objective": ["Slight swelling in front of the outer ankle {side}. Calf firm.",
                      "Knee to wall short on the {side}. Balance unsteady after 12 s."],
        "assessment": ["Healing outer ankle sprain, {side}; stiffness is the limit now.",
                       "Range nearly as the other side."],
        "plan": ["Calf stretch at the wall, one-leg stand while brushing teeth. {gap} days.",
                 "Start skipping rope, 3 x 1 minute. {gap} days."],
    },
    "elbow": {
        "share": 2,
        "measures": [("wr_flex", None, 58, 78, 6), ("wr_ext", None, 52, 68, 5),
                     ("nprs", "", 5, 1, -2), ("el_cozen", None, None, None, None)],
        "extra": [("qdash", 38, 12)],
        "first": ["Outer {side} elbow sore for {time}, gripping and lifting the kettle.",
                  "{Side} forearm burns after an hour with the mouse, for {time}."],
        "better": ["Opens jars again.", "Played one set, sore only the same evening."],
        "same": ["Still sore with the kettle.", "New mouse arrived, too early to tell."],
        "objective": ["Wrist extensors ropy and tender {side}, 3/4 at the outer elbow.",
                      "Grip less painful with the strap."],
        "assessment": ["Signs consistent with outer elbow tendon irritation, {side}.",
                       "Load is tolerated better."],
        "plan": ["Slow lowering with 1 kg, 3 x 12, every second day. {gap} days.",
                 "Forearm stretch at the desk. Mouse on the other side for now. {gap} days."],
    },
    "upper_back": {
        "share": 5,
        "measures": [("tx_rot", None, 28, 44, 6), ("sh_hadd", None, 108, 128, 5),
                     ("nprs", "", 5, 1, -2), ("sh_pecmin", None, None, None, None)],
        "extra": [("psfs", 4, 8)],
        "first": ["Ache between the shoulder blades for {time}, better lying down.",
                  "\"Carrying the world\" feeling in the upper back, {side} more, for {time}."],
        "better": ["Only tired by evening now.", "Breathes deeper, sleeps well.",
                   "Rowing machine twice this week."],
        "same": ["Month end at work, tight again.", "No change, skipped the exercises."],
        "objective": ["Rhomboids stretched and tender, pectorals short, {side} more.",
                      "Rib joints stiff at the middle of the back {side}. Breath shallow."],
        "assessment": ["Posture strain of the upper back; chest wall is the key.",
                       "Turning both ways is nearly even."],
        "plan": ["Door stretch 3 x 30 s, foam roll in the evening. {gap} days.",
                 "Screen breaks by timer. Breathing drill as shown. {gap} days."],
    },
    "relax": {
        "share": 2,
        "measures": [("stress", "", 6, 4, -3)],
        "extra": [],
        "first": ["No complaint, wants to unwind. Likes firm pressure on the back, no oil on hair.",
                  "Gift from a friend. First massage ever, a little nervous."],
        "better": ["No complaint. Slept well after last time.", "Tired, quiet day wanted."],
        "same": ["No complaint.", "Busy weeks, just wants an hour of peace."],
        "objective": ["General muscle tone raised in the shoulders, nothing sore.",
                      "Calves a little firm, feet cold."],
        "assessment": ["No complaint; general tension.", "Relaxed by half time, breath slow."],
        "plan": ["As needed. Suggested every {gap} days.", "Warm bath, early night. As needed."],
    },
}

TIMES = ["two weeks", "three weeks", "a month", "six weeks", "three months"]
SPECIALS_STAY = {"an_adr"}  # laxity does not go away within an hour


class Made:
    """Rows of the five files."""

    def __init__(self):
        self.patients, self.sessions, self.measures = [], [], []


def make_patients(rng):
    """Rows of patients.csv; relatives share a telephone number."""
    rows = []
    for h, household in enumerate(HOUSEHOLDS, 1):
        phone = f"604-555-{100 + rng.randrange(3) + 3 * h:04d}"
        for name, used, born in household:
            word = fold_ascii(used or name.split()[0]).lower()
            email = "" if rng.random() < 0.2 else f"{word}.{h:02d}@example.org"
            rows.append([f"p{len(rows) + 1:02d}", name, used, born, phone, email, f"h{h:02d}"])
    return rows


def fold_ascii(text):
    return text.translate(str.maketrans("áéíóúüöäńŚś", "aeiouuoanSs"))


def plan_visits(rng, patients):
    """(patient row, complaint, therapist, [days ago, oldest first]) with SESSIONS days in all."""
    stories = {s[0]: s for s in [COOLING, PROGRESS, UNSIGNED, NEW, *FAMILY]}
    names = [name for name, c in COMPLAINTS.items() for _ in range(c["share"])]
    plans = []
    for p in patients:
        if p[1] in stories:
            plans.append([p, *stories[p[1]][1:3], list(stories[p[1]][3])])
        else:
            plans.append([p, rng.choice(names), rng.choice(["jo", "mara"]), []])
    drawn = [plan for plan in plans if not plan[3]]
    left = SESSIONS - sum(len(plan[3]) for plan in plans)
    for i, plan in enumerate(drawn):
        share = left // (len(drawn) - i)
        count = left if i == len(drawn) - 1 else min(14, max(1, share + rng.randrange(-4, 5)))
        plan[3] = draw_days(rng, count)
        left -= len(plan[3])
    return plans


def draw_days(rng, count):
    """A rhythm of 2 to 8 weeks with some jitter; two patients in five stopped some time ago."""
    rhythm = rng.choice([14, 21, 28, 35, 42, 56, 56])
    rhythm = max(7, min(rhythm, (DAYS_MAX - 30) // count))
    last = 2 + rng.randrange(rhythm) if rng.random() < 0.6 else rng.randrange(120, 440)
    last = max(2, min(last, DAYS_MAX - rhythm * count))
    days, at = [], last
    for _ in range(count):
        days.append(min(at, DAYS_MAX))
        at += max(5, rhythm + rng.randrange(-3, 4))
    return days[::-1]


# -- sessions --------------------------------------------------------------------------------------

class Visit:
    """One session of a patient's course: which one it is, and who, where and when."""

    def __init__(self, ref, patient, complaint, index, count):
        self.ref, self.patient, self.complaint = ref, patient, complaint
        self.index, self.count = index, count
        self.side = "L" if int(patient[1:]) % 2 else "R"


def pick_slot(rng, taken, days_ago, login):
    """A free start in the therapist's room; on every eleventh day the two change rooms."""
    room = "Room 1" if (login == "jo") != (days_ago % 11 == 0) else "Room 2"
    free = [s for s in STARTS if (days_ago, room, s) not in taken]
    start = rng.choice(free)
    taken.add((days_ago, room, start))
    return room, start


def fill(text, visit, time, gap):
    word = "left" if visit.side == "L" else "right"
    return (text.replace("{side}", word).replace("{Side}", word.capitalize())
            .replace("{time}", time).replace("{gap}", str(gap)))


def write_texts(rng, visit, gap, steady):
    words = COMPLAINTS[visit.complaint]
    time = rng.choice(TIMES)
    if visit.index == 0:
        subjective = rng.choice(words["first"])
    elif steady:
        subjective = words["better"][(visit.index - 1) % len(words["better"])]
    else:
        subjective = rng.choice(words["better"] if rng.random() < 0.7 else words["same"])
    assessment = rng.choice(words["assessment"][1:] if visit.index > 0
                            else words["assessment"][:1])
    plan = rng.choice(words["plan"])
    if rng.random() < 0.08:
        plan += "\nAsk next time how the exercises went."
    return [fill(t, visit, time, gap)
            for t in (subjective, rng.choice(words["objective"]), assessment, plan)]


def make_sessions(rng, made, plans):
    """Returns [(visit, name of the patient)], oldest first, as the rows stand in sessions.csv."""
    stories = {story[0] for story in (COOLING, PROGRESS, UNSIGNED, NEW, *FAMILY)}
    taken = set()
    drawn = []
    for patient, complaint, login, all_days in plans:
        for n, days in enumerate(all_days):
            stays = patient[1] in stories or rng.random() < 0.9
            who = login if stays else {"jo": "mara", "mara": "jo"}[login]
            room, start = pick_slot(rng, taken, days, who)
            drawn.append((-days, start, room, who, patient, complaint, all_days, n))
    visits = []
    for number, (days, start, room, who, patient, complaint, all_days, n) in enumerate(
            sorted(drawn, key=lambda d: d[:3]), 1):
        visit = Visit(f"s{number:03d}", patient[0], complaint, n, len(all_days))
        texts = write_texts(rng, visit, gap_after(all_days, n), patient[1] == PROGRESS[0])
        signed = "yes"
        if patient[1] == UNSIGNED[0] and n == len(all_days) - 1:
            signed, texts[2], texts[3] = "no", "", ""
        made.sessions.append([visit.ref, visit.patient, who, room, -days, start,
                              rng.choice(MINUTES), *texts, signed])
        visits.append((visit, patient[1]))
    return visits


def gap_after(all_days, n):
    """What was said about the next visit: near to when it came."""
    gap = all_days[n] - all_days[n + 1] if n + 1 < len(all_days) else 21
    return min((7, 14, 21, 28, 42, 56), key=lambda g: abs(g - gap))


# -- measures --------------------------------------------------------------------------------------

def write_number(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


class Course:
    """How a patient's measures go from visit to visit: pre rises towards the aim, post beyond it,
    and about half of what a session gained is still there the next time."""

    def __init__(self, rng, story):
        self.rng, self.steady = rng, story in (PROGRESS[0], FAMILY[0][0])
        self.talent = 0.25 if self.steady else rng.uniform(0.05, 0.3)

    def pair(self, visit, first, aim, gain, limits):
        low, high, step = limits
        done = 1 - (1 - self.talent) ** visit.index
        noise = 0 if self.steady else self.rng.uniform(-0.12, 0.12) * abs(aim - first)
        pre = first + (aim - first) * done + noise
        post = pre + gain * (1 if self.steady else self.rng.uniform(0.1, 1.3)) * (1 - 0.4 * done)
        return [min(high, max(low, round(v / step) * step)) for v in (pre, post)]


def limits_of(ref):
    """Low, high and step of what is written down."""
    if ref.startswith(("nprs", "stress")):
        return 0, 10, 1
    if ref == "le_wblt":
        return 0, 15, 0.5
    if ref == "sp_ftf":
        return 0, 50, 1
    return 0, 180, 1  # degrees


def write_measures(rng, made, visit, course):
    measures = COMPLAINTS[visit.complaint]["measures"]
    steady = course.steady
    if not steady and visit.complaint != "relax" and rng.random() < 0.05:
        measures = rng.sample(measures, 2)  # a short visit
    middle = rng.choice(measures)[0] if rng.random() < 0.25 else None
    retest = steady or rng.random() < 0.96
    before, between, after = [], [], []
    for ref, side, first, aim, gain in measures:
        side = visit.side if side is None else side
        if first is None:
            pre, post = test_results(rng, ref, visit, steady)
            before.append([visit.ref, "pre", ref, side, "", pre])
            after.append([visit.ref, "post", ref, side, "", post])
            continue
        pre, post = course.pair(visit, first, aim, gain, limits_of(ref))
        before.append([visit.ref, "pre", ref, side, write_number(pre), ""])
        after.append([visit.ref, "post", ref, side, write_number(post), ""])
        if ref == middle:
            half = round((pre + post) / 2)
            between.append([visit.ref, "mid", ref, side, write_number(half), ""])
    if visit.index % 4 == 0 or visit.index == visit.count - 1:
        for ref, first, aim in COMPLAINTS[visit.complaint]["extra"]:
            done = 1 - (1 - course.talent) ** visit.index
            value = round(first + (aim - first) * done)
            before.append([visit.ref, "pre", ref, "", write_number(value), ""])
    made.measures += before + between + (after if retest else [])


def test_results(rng, ref, visit, steady):
    """Positive at first, often negative after the treatment, negative for good later."""
    if rng.random() < 0.02 and not steady:
        return "unable", "unable"
    still = visit.index < 2 if steady else rng.random() < 0.75 ** visit.index
    if not still:
        return "neg", "neg"
    if ref in SPECIALS_STAY or rng.random() < 0.4:
        return "pos", "pos"
    return "pos", rng.choice(["neg", "neg", "equivocal"])


def make_measures(rng, made, visits):
    courses = {}
    for visit, name in visits:
        course = courses.setdefault(visit.patient, Course(rng, name))
        if visit.complaint == "relax" and rng.random() < 0.4:
            continue
        write_measures(rng, made, visit, course)


# -- files -----------------------------------------------------------------------------------------

def as_csv(head, rows):
    """RFC 4180 with plain line feeds; a field is quoted only where it must be."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head.split(","))
    writer.writerows(rows)
    return out.getvalue().encode()


def make_files():
    rng = random.Random(SEED)
    made = Made()
    made.patients = make_patients(rng)
    visits = make_sessions(rng, made, plan_visits(rng, made.patients))
    make_measures(rng, made, visits)
    return {
        "rooms.csv": as_csv("name,kind", ROOMS),
        "staff.csv": as_csv("login,name,roles", STAFF),
        "patients.csv": as_csv("ref,name,name_used,born,phone,email,household", made.patients),
        "sessions.csv": as_csv("ref,patient_ref,staff_login,room,days_ago,start_hhmm,minutes,"
                               "subjective,objective,assessment,plan,signed", made.sessions),
        "measures.csv": as_csv("session_ref,phase,ref,side,value,result", made.measures),
    }


# -- check -----------------------------------------------------------------------------------------

def read_catalogue():
    """ref -> (kind, row) of the reference tables that the product compiles in."""
    found = {}
    for kind in ("rom", "scales", "special_tests"):
        with open(os.path.join(ROOT, f"common/record/data/{kind}.csv"), encoding="utf-8") as f:
            found.update({row["id"]: (kind, row) for row in csv.DictReader(f)})
    return found


def measure_fault(row, catalogue):
    """Why the product would refuse this measure; None when it would not."""
    if row["ref"] not in catalogue:
        return "unknown ref"
    kind, entry = catalogue[row["ref"]]
    if kind == "special_tests":
        fine = row["value"] == "" and row["result"] in ("pos", "neg", "equivocal", "unable")
        return None if fine else "a test has a result and no value"
    if row["value"] == "" or row["result"] != "":
        return "a number is missing"
    if kind == "scales":
        fine = float(entry["min"]) <= float(row["value"]) <= float(entry["max"])
        return None if fine else "outside the scale"
    sides = ("L", "R") if entry["side"] == "both" else ("mid",)
    return None if row["side"] in sides else "wrong side"


def check_promises(files):
    """What tests/data/harbour/README.md says about the data."""
    rows = {name: list(csv.DictReader(io.StringIO(text.decode(), newline="")))
            for name, text in files.items()}
    patients, sessions = rows["patients.csv"], rows["sessions.csv"]
    catalogue = read_catalogue()
    by_session = {}
    for row in rows["measures.csv"]:
        fault = measure_fault(row, catalogue)
        if fault is not None:
            yield f"measures.csv: {row}: {fault}"
        by_session.setdefault(row["session_ref"], []).append(row)
    yield from check_counts(patients, sessions, by_session)
    if not set(by_session) <= {s["ref"] for s in sessions}:
        yield "measures.csv names a session that is not there"
    if not {s["patient_ref"] for s in sessions} == {p["ref"] for p in patients}:
        yield "every patient has sessions, and every session a patient"


def check_counts(patients, sessions, by_session):
    counts = (len(patients), len({p["household"] for p in patients}), len(sessions))
    if counts != (40, 31, 300):
        yield f"patients, households, sessions: {counts}"
    slots = {(s["days_ago"], s["start_hhmm"], key, s[key]) for s in sessions
             for key in ("room", "staff_login")}
    if len(slots) != 2 * len(sessions):
        yield "a room or a person is in two sessions at once"
    if [s["days_ago"] for s in sessions if s["signed"] == "no"] != ["1"]:
        yield "one session, of yesterday, is not signed"
    measured = 0
    for rows in by_session.values():
        pre = {(r["ref"], r["side"]) for r in rows if r["phase"] == "pre"}
        post = {(r["ref"], r["side"]) for r in rows if r["phase"] == "post"}
        if not post <= pre:
            yield f"{rows[0]['session_ref']}: measured after but not before"
        measured += len(pre) >= 3 and len(post) >= 3
    if measured < 0.75 * len(sessions):
        yield f"only {measured} sessions have three measures and their retest"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    files = make_files()
    wrong = 0
    for fault in check_promises(files):
        print(fault)
        wrong = 1
    for name, content in files.items():
        path = os.path.join(OUT, name)
        if args.check:
            with open(path, "rb") as f:
                if f.read() != content:
                    print(f"{name} is not what this script makes")
                    wrong = 1
        elif not wrong:
            with open(path, "wb") as f:
                f.write(content)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
