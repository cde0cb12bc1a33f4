#include "client/cli/table.h"

#include "base/check.h"
#include "client/cli/commands.h"
#include "client/cli/record_table.h"

#include <string.h>

/* The rows stand in the order of a clinic's life, which is the order of `roomkeep --help`; those of
 * plain records follow (record_table.c). */

#define ARG(key_, meta_, take_, help_)                                                             \
	{                                                                                          \
		.name = key_, .key = key_, .meta = meta_, .take = take_, .help = help_,            \
		.required = true                                                                   \
	}
#define FLAG(name_, key_, meta_, take_, help_)                                                     \
	{                                                                                          \
		.name = name_, .key = key_, .meta = meta_, .take = take_, .help = help_            \
	}
#define NEED(name_, key_, meta_, take_, help_)                                                     \
	{                                                                                          \
		.name = name_, .key = key_, .meta = meta_, .take = take_, .help = help_,           \
		.required = true                                                                   \
	}
#define PASSPHRASE                                                                                 \
	{                                                                                          \
		.name = "passphrase-file", .key = "passphrase", .meta = "FILE",                    \
		.take = CLI_TAKE_SECRET, .help = "passphrase from FILE (- is standard input)",     \
		.required = true                                                                   \
	}
#define NEW_PASSPHRASE(name_, key_)                                                                \
	{                                                                                          \
		.name = name_, .key = key_, .meta = "FILE", .take = CLI_TAKE_SECRET,               \
		.help = "new passphrase from FILE (- is standard input)", .required = true,        \
		.is_new = true                                                                     \
	}

#define EXITS_AGENT "69 agent not running"
#define EXITS_SIGNED_IN "69 agent not running, 77 nobody signed in or not allowed"
#define EXITS_ID "66 unknown id, 69 agent not running, 77 nobody signed in or not allowed"

const struct cli_param cli_global_flags[] = {
	FLAG("home", NULL, "DIR", CLI_TAKE_WORD, "this room's folder (or ROOMKEEP_HOME)"),
	FLAG("json", NULL, NULL, CLI_TAKE_NOTHING, "one JSON object as the answer"),
	FLAG("quiet", NULL, NULL, CLI_TAKE_NOTHING, "no line for a change that went well"),
	FLAG("verbose", NULL, NULL, CLI_TAKE_NOTHING, "more of what happens, on standard error"),
	FLAG("no-input", NULL, NULL, CLI_TAKE_NOTHING, "never ask; what is missing is an error"),
	{ .name = "color",
	  .meta = "WHEN",
	  .take = CLI_TAKE_CHOICE,
	  .choices = "auto|always|never",
	  .help = "colour in tables: auto, always, never" },
	FLAG("help", NULL, NULL, CLI_TAKE_NOTHING, "this text"),
	FLAG("version", NULL, NULL, CLI_TAKE_NOTHING, "version and passphrase hashing floor"),
	{ 0 },
};

#define FLAGS(...)                                                                                 \
	(const struct cli_param[])                                                                 \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

#define PATIENT_FLAGS                                                                              \
	FLAG("name-used", "name_used", "NAME", CLI_TAKE_TEXT, "what the person is called"),        \
		FLAG("phone", "phone", "PHONE", CLI_TAKE_TEXT, "telephone"),                       \
		FLAG("email", "email", "EMAIL", CLI_TAKE_TEXT, "e-mail address")

#define DAY_FLAGS                                                                                  \
	FLAG("day", "day", "YYYY-MM-DD", CLI_TAKE_TEXT, "the first day (default: today)"),         \
		FLAG("room", "room_id", "ID", CLI_TAKE_WORD, "only in this room"),                 \
		FLAG("therapist", "therapist_id", "ID", CLI_TAKE_WORD, "only with this therapist")
#define DAYS_FLAG(help_)                                                                           \
	{                                                                                          \
		.name = "days", .key = "days", .meta = "N", .take = CLI_TAKE_COUNT, .min = 1,      \
		.max = 31, .help = help_                                                           \
	}
#define YES_FLAG                                                                                   \
	{                                                                                          \
		.name = "spoken-yes", .key = "spoken_yes", .meta = "yes|no",                       \
		.take = CLI_TAKE_YES_NO, .choices = "yes|no",                                      \
		.help = "the patient said yes to this therapist"                                   \
	}

static const struct cli_command own_commands[] = {
	{ .verb = "found",
	  .help = "Found a clinic in this room, with the server's setup code",
	  .args = { ARG("code", "CODE", CLI_TAKE_TEXT, "setup code that roomkeepd init printed") },
	  .flags = FLAGS(
		  NEED("server", "server", "ADDRESS", CLI_TAKE_WORD, "HOST:PORT of the server"),
		  NEED("clinic", "clinic", "NAME", CLI_TAKE_TEXT, "the clinic's name"),
		  NEED("owner", "owner", "NAME", CLI_TAKE_TEXT, "your name"),
		  NEED("login", "login", "LOGIN", CLI_TAKE_WORD, "what you type to sign in"),
		  NEED("room", "room", "NAME", CLI_TAKE_TEXT, "this room's name"),
		  NEED("kit", "kit", "DIR", CLI_TAKE_PATH,
		       "folder for the paper kit, not the home"),
		  NEW_PASSPHRASE("passphrase-file", "passphrase")),
	  .examples = { "roomkeep found - --server clinic.lan:7340 --clinic \"Harbour Massage\" "
			"--owner \"Jo Park\" --login jo --room \"Room 1\" --kit /media/usb/kit",
			"roomkeep found @code.txt --server 127.0.0.1:7340 --clinic C --owner O "
			"--login o --room R --kit kit --passphrase-file pass.txt --json" },
	  .exits = "65 the code or passphrase is not good, 69 server not reachable, 77 refused",
	  .run = cli_run_found,
	  .done = "Founded {clinic}. Keys were made here; the server has the public parts only.\n"
		  "Kit: {holders} files in {kit}, one per holder, any {needed} recover the "
		  "clinic.\n"
		  "Print each, hand them out, delete the files; never mail or keep them.\n"
		  "Next: roomkeep serve, then roomkeep sign-in {login}, then roomkeep confirm "
		  "kit" },
	{ .verb = "enrol",
	  .help = "Let this room join a clinic, with a join code",
	  .args = { ARG("code", "CODE", CLI_TAKE_TEXT, "join code that invite room printed") },
	  .flags = FLAGS(
		  NEED("server", "server", "ADDRESS", CLI_TAKE_WORD, "HOST:PORT of the server")),
	  .examples = { "roomkeep enrol - --server clinic.lan:7340",
			"roomkeep enrol @code.txt --server 127.0.0.1:7340 --json" },
	  .exits = "65 a typing error in the code, 69 server not reachable, 77 refused",
	  .run = cli_run_enrol,
	  .done = "This room is {room} now. Next: roomkeep serve" },
	{ .verb = "serve",
	  .help = "Run this room's agent",
	  .flags = FLAGS(
		  { .name = "idle-lock",
		    .key = "idle_lock",
		    .meta = "MINUTES",
		    .take = CLI_TAKE_COUNT,
		    .min = 1,
		    .max = 720,
		    .help = "sign out after this long without a call (1 to 720, default 30)" }),
	  .examples = { "roomkeep serve", "roomkeep serve --idle-lock 10 --home /srv/room2" },
	  .exits = "69 the home is in use, 78 this home is not a room yet",
	  .run = cli_run_serve },
	{ .verb = "status",
	  .help = "Say how this room is doing",
	  .examples = { "roomkeep status", "roomkeep status --json | jq .outbox" },
	  .exits = EXITS_AGENT,
	  .run = cli_run_verb,
	  .path = "status" },
	{ .verb = "sync",
	  .help = "Try the server now and wait until nothing is queued",
	  .flags = FLAGS({ .name = "wait",
			   .key = "wait_s",
			   .meta = "SECONDS",
			   .take = CLI_TAKE_COUNT,
			   .min = 0,
			   .max = 86400,
			   .help = "how long to wait at most (default 0)" }),
	  .examples = { "roomkeep sync", "roomkeep sync --wait 30" },
	  .exits = "69 agent not running, 75 time ran out",
	  .run = cli_run_sync,
	  .path = "sync",
	  .done = "All saved at the clinic." },
	{ .verb = "sign-in",
	  .help = "Sign in; signs out who was there before",
	  .args = { ARG("login", "LOGIN", CLI_TAKE_WORD, "who you are") },
	  .flags = FLAGS(PASSPHRASE),
	  .examples = { "roomkeep sign-in jo",
			"roomkeep sign-in jo --passphrase-file - < pass.txt" },
	  .exits = "69 agent not running, 77 wrong passphrase or too many tries",
	  .run = cli_run_verb,
	  .path = "sign-in",
	  .done = "Signed in: {user} ({roles})." },
	{ .verb = "lock",
	  .help = "Sign out; every key leaves this machine's memory",
	  .examples = { "roomkeep lock", "roomkeep lock --json" },
	  .exits = EXITS_AGENT,
	  .run = cli_run_verb,
	  .path = "lock",
	  .done = "Locked. Nobody is signed in." },
	{ .verb = "set",
	  .noun = "passphrase",
	  .help = "Change your own passphrase",
	  .flags = FLAGS(PASSPHRASE, NEW_PASSPHRASE("new-passphrase-file", "new_passphrase")),
	  .examples = { "roomkeep set passphrase",
			"roomkeep set passphrase --passphrase-file old --new-passphrase-file new" },
	  .exits = "65 the new one is not good, 69 server not reachable, 77 wrong passphrase",
	  .run = cli_run_verb,
	  .path = "set/passphrase",
	  .done = "Changed your passphrase. The old one opens nothing any more." },
	{ .verb = "set",
	  .noun = "server",
	  .help = "Change the address this room dials",
	  .args = { ARG("address", "ADDRESS", CLI_TAKE_WORD,
			"HOST:PORT; who answers is checked by key") },
	  .examples = { "roomkeep set server clinic.lan:7340", "roomkeep set server [::1]:7340" },
	  .exits = EXITS_AGENT,
	  .run = cli_run_verb,
	  .path = "set/server",
	  .done = "This room dials {address} now." },
	{ .verb = "confirm",
	  .noun = "kit",
	  .help = "Type the kit's shares back and check the files are gone",
	  .flags = FLAGS({ .name = "share",
			   .key = "shares",
			   .meta = "SHARE",
			   .take = CLI_TAKE_TEXT,
			   .repeat = true,
			   .help = "a recovery share, or @FILE; absent: asked for" }),
	  .examples = { "roomkeep confirm kit",
			"roomkeep confirm kit --share @share1.txt --share @share2.txt" },
	  .exits = "1 files still on disk, 65 a share is not right, 69 agent not running",
	  .run = cli_run_confirm_kit,
	  .path = "confirm/kit",
	  .done = "The kit is confirmed." },
	{ .verb = "add",
	  .noun = "user",
	  .help = "Add a person (an owner does this)",
	  .args = { ARG("name", "NAME", CLI_TAKE_TEXT, "the person's name") },
	  .flags = FLAGS(NEED("login", "login", "LOGIN", CLI_TAKE_WORD,
			      "what the person types to sign in"),
			 { .name = "role",
			   .key = "roles",
			   .meta = "ROLE",
			   .take = CLI_TAKE_CHOICE,
			   .choices = "owner|therapist|desk|admin|lead|student",
			   .required = true,
			   .repeat = true,
			   .help = "owner, therapist, desk, admin, lead or student; repeatable" },
			 NEW_PASSPHRASE("new-passphrase-file", "new_passphrase")),
	  .examples = { "roomkeep add user \"Mara Lind\" --login mara --role therapist",
			"roomkeep add user \"Ana Ruiz\" --login ana --role desk --role admin" },
	  .exits = "1 login taken, 65 the passphrase is not good, 69 server not reachable, 77 not "
		   "allowed",
	  .run = cli_run_verb,
	  .path = "add/user",
	  .done = "Added {login}, {roles}. Undo: roomkeep disable user {login}" },
	{ .verb = "disable",
	  .noun = "user",
	  .help = "Let a person sign in no more (an owner does this)",
	  .args = { ARG("login", "LOGIN", CLI_TAKE_WORD, "whom") },
	  .examples = { "roomkeep disable user mara", "roomkeep disable user mara --json" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "disable/user",
	  .done = "Disabled {login}." },
	{ .verb = "unlock",
	  .noun = "user",
	  .help = "Forget the wrong passphrases typed for a login (an owner does this)",
	  .args = { ARG("login", "LOGIN", CLI_TAKE_WORD, "whose") },
	  .examples = { "roomkeep unlock user mara", "roomkeep unlock user mara --json" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "unlock/user",
	  .done = "Unlocked {login}. Nothing else changed: it needs the right passphrase." },
	{ .verb = "list",
	  .noun = "users",
	  .help = "List the people of the clinic",
	  .examples = { "roomkeep list users",
			"roomkeep list users --json | jq -r '.users[].login'" },
	  .exits = EXITS_SIGNED_IN,
	  .run = cli_run_verb,
	  .path = "list/users",
	  .list = "users",
	  .columns = "login:Login,name:Name,roles:Roles,state:State,user_id:Id",
	  .empty = "No people." },
	{ .verb = "invite",
	  .noun = "room",
	  .help = "Make a join code for a new room (an owner does this)",
	  .args = { ARG("name", "NAME", CLI_TAKE_TEXT, "the new room's name") },
	  .flags = FLAGS({ .name = "kind",
			   .key = "kind",
			   .meta = "KIND",
			   .take = CLI_TAKE_CHOICE,
			   .choices = "treatment|desk",
			   .help = "treatment (default) or desk" }),
	  .examples = { "roomkeep invite room \"Room 2\"",
			"roomkeep invite room \"Front desk\" --kind desk --json" },
	  .exits = "1 name taken, 69 server not reachable, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "invite/room",
	  .done = "Join code for {name}, good once, for 15 minutes:   {join_code}\n"
		  "On the room machine:  roomkeep enrol - --server {server}" },
	{ .verb = "retire",
	  .noun = "room",
	  .help = "Shut a room out at once (an owner does this)",
	  .args = { ARG("name", "NAME", CLI_TAKE_TEXT, "the room's name") },
	  .examples = { "roomkeep retire room \"Room 2\"",
			"roomkeep retire room \"Room 2\" --json" },
	  .exits = "66 no such room, 69 server not reachable, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "retire/room",
	  .done = "Retired {name}. After a theft also renew the clinic secret." },
	{ .verb = "list",
	  .noun = "rooms",
	  .help = "List the rooms of the clinic",
	  .examples = { "roomkeep list rooms", "roomkeep list rooms --json | jq -r '.rooms[] | "
					       "select(.state!=\"online\") | .name'" },
	  .exits = EXITS_SIGNED_IN,
	  .run = cli_run_verb,
	  .path = "list/rooms",
	  .list = "rooms",
	  .columns = "name:Room,kind:Kind,state:State,room_id:Id",
	  .empty = "No rooms." },
	{ .verb = "import",
	  .help = "Bring in a folder of CSV files (an owner does this)",
	  .args = { ARG("folder", "FOLDER", CLI_TAKE_PATH,
			"with patients.csv, sessions.csv, ...") },
	  .flags = FLAGS(FLAG("dry-run", "dry_run", NULL, CLI_TAKE_NOTHING,
			      "check everything, change nothing")),
	  .examples = { "roomkeep import ./harbour --dry-run", "roomkeep import ./harbour --json" },
	  .exits = "65 a line is wrong, 69 agent not running, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "import",
	  .wait_s = 900,
	  .done = "Imported {patients} patients, {sessions} sessions, {measures} measures." },
	{ .verb = "add",
	  .noun = "patient",
	  .help = "Add a patient",
	  .flags = FLAGS(NEED("name", "name", "NAME", CLI_TAKE_TEXT, "full name"),
			 NEED("born", "born", "YYYY-MM-DD", CLI_TAKE_TEXT, "date of birth"),
			 PATIENT_FLAGS),
	  .examples = { "roomkeep add patient --name @name.txt --born 1980-02-29",
			"roomkeep add patient --name - --born 1980-02-29 --phone 555-0100 --json" },
	  .exits = "65 a value is wrong, 69 agent not running, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "add/patient",
	  .done = "Added patient {patient_id}." },
	{ .verb = "set",
	  .noun = "patient",
	  .help = "Change a patient's details",
	  .args = { ARG("patient_id", "ID", CLI_TAKE_WORD, "which patient") },
	  .flags = FLAGS(FLAG("name", "name", "NAME", CLI_TAKE_TEXT, "full name"),
			 FLAG("born", "born", "YYYY-MM-DD", CLI_TAKE_TEXT, "date of birth"),
			 PATIENT_FLAGS),
	  .examples = { "roomkeep set patient ID --phone 555-0100",
			"roomkeep set patient ID --email -" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "set/patient",
	  .done = "Changed patient {patient_id}." },
	{ .verb = "find",
	  .noun = "patient",
	  .help = "Find patients by name, birth date or phone",
	  .args = { ARG("text", "TEXT", CLI_TAKE_TEXT,
			"part of a name, a date, the end of a phone number") },
	  .examples = { "roomkeep find patient -", "roomkeep find patient @name.txt --json" },
	  .exits = EXITS_SIGNED_IN,
	  .run = cli_run_verb,
	  .path = "find/patient",
	  .list = "patients",
	  .columns = "name:Name,born:Born,patient_id:Id",
	  .empty = "No one by that name. Check the spelling, or add a new patient." },
	{ .verb = "list",
	  .noun = "patients",
	  .help = "List the patients this room holds",
	  .examples = { "roomkeep list patients",
			"roomkeep list patients --json | jq '.patients | length'" },
	  .exits = EXITS_SIGNED_IN,
	  .run = cli_run_verb,
	  .path = "list/patients",
	  .list = "patients",
	  .columns = "name:Name,born:Born,phone:Phone,patient_id:Id",
	  .empty = "No patients yet." },
	{ .verb = "show",
	  .noun = "card",
	  .help = "Show a patient's welcome card: what to know before the door opens",
	  .flags = FLAGS(NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient")),
	  .examples = { "roomkeep show card --patient ID",
			"roomkeep show card --patient ID --json | jq .promises" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "show/card" },
	{ .verb = "list",
	  .noun = "watch",
	  .help = "List who stays away longer than is their way, and why",
	  .examples = { "roomkeep list watch",
			"roomkeep list watch --json | jq '.patients[] | select(.may_touch)'" },
	  .exits = "69 agent or server not reachable, 77 nobody signed in or not allowed",
	  .run = cli_run_verb,
	  .path = "list/watch",
	  .list = "patients",
	  .columns = "name:Patient,step:Step,last_visit:Last visit,may_touch:May be asked,"
		     "patient_id:Id,text:Why",
	  .empty = "Nobody stays away." },
	{ .verb = "start",
	  .noun = "session",
	  .help = "Start a treatment session",
	  .flags = FLAGS(NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient")),
	  .examples = { "roomkeep start session --patient ID",
			"roomkeep start session --patient ID --json" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "start/session",
	  .done = "Started session {session_id}." },
	{ .verb = "set",
	  .noun = "session",
	  .help = "Write the texts of a session",
	  .args = { ARG("session_id", "SID", CLI_TAKE_WORD, "which session") },
	  .flags = FLAGS(
		  FLAG("subjective", "subjective", "TEXT", CLI_TAKE_TEXT, "what the patient says"),
		  FLAG("objective", "objective", "TEXT", CLI_TAKE_TEXT, "what you find"),
		  FLAG("assessment", "assessment", "TEXT", CLI_TAKE_TEXT, "what you make of it"),
		  FLAG("plan", "plan", "TEXT", CLI_TAKE_TEXT, "what comes next")),
	  .examples = { "roomkeep set session SID --plan -",
			"roomkeep set session SID --objective @text.txt" },
	  .exits = "1 the session is signed, 66 unknown id, 69 agent not running, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "set/session",
	  .done = "Changed session {session_id}." },
	{ .verb = "add",
	  .noun = "measure",
	  .help = "Add an assessment row to a session",
	  .flags = FLAGS(
		  NEED("session", "session_id", "SID", CLI_TAKE_WORD, "which session"),
		  FLAG("pair", "pair_id", "MID", CLI_TAKE_WORD,
		       "the pre row this repeats: everything but the value comes from it"),
		  FLAG("ref", "ref", "REF", CLI_TAKE_WORD,
		       "id in the catalogue, such as cx_rot (roomkeep list tests)"),
		  { .name = "side",
		    .key = "side",
		    .meta = "SIDE",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "L|R|mid|both",
		    .help = "L left, R right, mid (midline) or both" },
		  { .name = "phase",
		    .key = "phase",
		    .meta = "PHASE",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "pre|mid|post",
		    .help = "pre, mid or post treatment; with --pair post unless said" },
		  FLAG("value", "value", "N", CLI_TAKE_NUMBER, "a number in the catalogue's unit"),
		  { .name = "result",
		    .key = "result",
		    .meta = "RESULT",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "pos|neg|equivocal|unable",
		    .help = "pos, neg, equivocal or unable" },
		  { .name = "skipped",
		    .key = "skipped_reason",
		    .meta = "WHY",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "relaxation|declined|acute|contraindicated|time|sore",
		    .help = "not measured, and why: relaxation, declined, acute, "
			    "contraindicated, time or sore" },
		  { .name = "mode",
		    .key = "mode",
		    .meta = "MODE",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "active|passive|resisted",
		    .help = "active, passive or resisted" },
		  { .name = "position",
		    .key = "position",
		    .meta = "POSITION",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "supine|prone|side_lying|seated|semi_reclined|standing",
		    .help = "supine, prone, side_lying, seated, semi_reclined or standing" },
		  { .name = "method",
		    .key = "method",
		    .meta = "METHOD",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "goniometer|inclinometer|tape|visual|count|timer|patient",
		    .help = "goniometer, inclinometer, tape, visual, count, timer or patient" },
		  { .name = "pain",
		    .key = "pain_at_end",
		    .meta = "N",
		    .take = CLI_TAKE_COUNT,
		    .min = 0,
		    .max = 10,
		    .help = "pain at the end of the movement, 0 to 10" },
		  { .name = "end-feel",
		    .key = "end_feel",
		    .meta = "FEEL",
		    .take = CLI_TAKE_CHOICE,
		    .choices = "soft|firm|hard|springy|empty|capsular",
		    .help = "soft, firm, hard, springy, empty or capsular" },
		  FLAG("limited-by", "limited_by", "TEXT", CLI_TAKE_TEXT,
		       "what stops the movement, in a few words"),
		  FLAG("rater", "rater", "LOGIN", CLI_TAKE_WORD,
		       "who measured, when it was not you")),
	  .examples = { "roomkeep add measure --session SID --ref cx_rot --side L --phase pre "
			"--value 52",
			"roomkeep add measure --session SID --pair MID --value 64" },
	  .exits = "1 the session is signed, 65 a value is out of range, 66 unknown id, 77 not "
		   "allowed",
	  .run = cli_run_verb,
	  .path = "add/measure",
	  .done = "Added measure {measure_id}." },
	{ .verb = "list",
	  .noun = "tests",
	  .help = "List what can be measured, three suggestions first",
	  .flags = FLAGS(FLAG("region", "region", "WORDS", CLI_TAKE_TEXT,
			      "where: neck, shoulder, low back, knee and so on"),
			 FLAG("complaint", "complaint", "WORDS", CLI_TAKE_TEXT,
			      "what: pain, stiff, tingling, weak, headache, gives way"),
			 FLAG("patient", "patient_id", "ID", CLI_TAKE_WORD,
			      "what was measured last time goes first")),
	  .examples = { "roomkeep list tests --region neck --complaint headache",
			"roomkeep list tests --patient ID --json | jq '.tests[:3]'" },
	  .exits = "65 no such region, 66 unknown id, 69 agent not running, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "list/tests",
	  .list = "tests",
	  .columns = "suggested:Try,ref:Ref,name:Name,about:Looks at,alert:Alert,text:Meaning",
	  .empty = "Nothing to measure there." },
	{ .verb = "show",
	  .noun = "progress",
	  .help = "Show what was measured over visits, and what changed",
	  .flags = FLAGS(NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient"),
			 FLAG("ref", "ref", "REF", CLI_TAKE_WORD, "only this measure")),
	  .examples = { "roomkeep show progress --patient ID",
			"roomkeep show progress --patient ID --ref cx_rot --json | jq .series" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "show/progress" },
	{ .verb = "show",
	  .noun = "report",
	  .help = "Show how you assess: what you measured, again, and what it proved",
	  .flags = FLAGS(FLAG("from", "from", "YYYY-MM-DD", CLI_TAKE_WORD,
			      "first day; absent: 90 days in all"),
			 FLAG("to", "to", "YYYY-MM-DD", CLI_TAKE_WORD, "last day; absent: today")),
	  .examples = { "roomkeep show report", "roomkeep show report --from 2026-01-01 --json" },
	  .exits = EXITS_SIGNED_IN,
	  .run = cli_run_verb,
	  .path = "show/report",
	  .list = "groups",
	  .columns = "group:Region,before:Before,again:Again,improved:Better,within_error:Within,"
		     "worse:Worse,not_comparable:Not comparable",
	  .empty = "Nothing was measured." },
	{ .verb = "export",
	  .noun = "proof",
	  .help = "Write what changed as one page for the patient (PDF)",
	  .flags = FLAGS(
		  NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient"),
		  NEED("file", "file", "FILE", CLI_TAKE_PATH, "where to; readable by you only"),
		  FLAG("overwrite", "overwrite", NULL, CLI_TAKE_NOTHING,
		       "replace a file that is there")),
	  .examples = { "roomkeep export proof --patient ID --file maya.pdf",
			"roomkeep export proof --patient ID --file maya.pdf --overwrite --json" },
	  .exits = "1 the file is there already, 66 unknown id or nothing measured, 69 agent not "
		   "running, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "export/proof",
	  .done = "Wrote {file}: {measures} measures of the last visit, for the patient to keep." },
	{ .verb = "sign",
	  .noun = "session",
	  .help = "Sign a session; from then on only addenda",
	  .args = { ARG("session_id", "SID", CLI_TAKE_WORD, "which session") },
	  .examples = { "roomkeep sign session SID", "roomkeep sign session SID --json" },
	  .exits = "1 signed already or two versions stand, 66 unknown id, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "sign/session",
	  .done = "Signed session {session_id}." },
	{ .verb = "show",
	  .noun = "session",
	  .help = "Show a session",
	  .args = { ARG("session_id", "SID", CLI_TAKE_WORD, "which session") },
	  .examples = { "roomkeep show session SID",
			"roomkeep show session SID --json | jq .measures" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "show/session" },
	{ .verb = "show",
	  .noun = "patient",
	  .help = "Open a patient's chart: who it is, and the guard of relatives",
	  .args = { ARG("patient_id", "ID", CLI_TAKE_WORD, "which patient") },
	  .examples = { "roomkeep show patient ID", "roomkeep show patient ID --json" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "show/patient" },
	{ .verb = "show",
	  .noun = "retention",
	  .help = "Show until when a patient's record is kept, and which rule says so",
	  .flags = FLAGS(NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient")),
	  .examples = { "roomkeep show retention --patient ID",
			"roomkeep show retention --patient ID --json" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "show/retention" },
	{ .verb = "list",
	  .noun = "sessions",
	  .help = "List a patient's sessions",
	  .flags = FLAGS(NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient")),
	  .examples = { "roomkeep list sessions --patient ID",
			"roomkeep list sessions --patient ID --json | jq .partial" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "list/sessions",
	  .list = "sessions",
	  .columns = "started_at:Started,state:State,author:By,session_id:Id",
	  .empty = "No sessions." },
	{ .verb = "add",
	  .noun = "addendum",
	  .help = "Add words to a signed session",
	  .args = { ARG("text", "-", CLI_TAKE_TEXT, "the text; - reads standard input") },
	  .flags = FLAGS(NEED("session", "session_id", "SID", CLI_TAKE_WORD, "which session")),
	  .examples = { "roomkeep add addendum --session SID -",
			"roomkeep add addendum --session SID @text.txt" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "add/addendum",
	  .done = "Added addendum {addendum_id}." },
	{ .verb = "add",
	  .noun = "note",
	  .help = "Write a confidential note; only you can open it",
	  .args = { ARG("text", "-", CLI_TAKE_TEXT, "the text; - reads standard input") },
	  .flags = FLAGS(
		  NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "whom it concerns"),
		  FLAG("session", "session_id", "SID", CLI_TAKE_WORD, "the session it belongs to")),
	  .examples = { "roomkeep add note --patient ID -",
			"roomkeep add note --patient ID --session SID -" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "add/note",
	  .done = "Added confidential note {note_id}. Only you can open it." },
	{ .verb = "list",
	  .noun = "notes",
	  .help = "List your own confidential notes",
	  .flags = FLAGS(
		  FLAG("patient", "patient_id", "ID", CLI_TAKE_WORD, "only about this patient")),
	  .examples = { "roomkeep list notes", "roomkeep list notes --patient ID --json" },
	  .exits = EXITS_ID,
	  .run = cli_run_verb,
	  .path = "list/notes",
	  .list = "notes",
	  .columns = "written_at:Written,patient_id:Patient,text:Note",
	  .empty = "No notes of yours here." },
	{ .verb = "list",
	  .noun = "day-sheet",
	  .help = "List who comes on a day, or on several; works without the server",
	  .flags = FLAGS(DAY_FLAGS, DAYS_FLAG("how many days (1 to 31, default 1; 7: a week)")),
	  .examples = { "roomkeep list day-sheet", "roomkeep list day-sheet --day 2026-12-01 "
						   "--days 7 --therapist ID --json" },
	  .exits = "65 no such day, 69 agent not running, 77 nobody signed in or not allowed",
	  .run = cli_run_verb,
	  .path = "list/day-sheet",
	  .list = "appointments",
	  .columns = "date:Date,time:From,until:Until,free_from:Free,patient:Patient,room:Room,"
		     "therapist:With,state:State,booking:Booking,outside_hours:Outside "
		     "hours,appointment_id:Id",
	  .empty = "Nobody is booked." },
	{ .verb = "add",
	  .noun = "walk-in",
	  .help = "Add somebody who is here without an appointment; it begins now",
	  .flags = FLAGS(
		  NEED("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient"),
		  NEED("therapist", "therapist_id", "ID", CLI_TAKE_WORD, "with whom"),
		  { .name = "minutes",
		    .key = "minutes",
		    .meta = "N",
		    .take = CLI_TAKE_COUNT,
		    .min = 5,
		    .max = 720,
		    .required = true,
		    .help = "how long it is" },
		  FLAG("room", "room_id", "ID", CLI_TAKE_WORD, "in which room (default: this one)"),
		  FLAG("overlap-reason", "overlap_reason", "TEXT", CLI_TAKE_TEXT,
		       "why it may stand beside another"),
		  YES_FLAG),
	  .examples = { "roomkeep add walk-in --patient ID --therapist T --minutes 45",
			"roomkeep add walk-in --patient ID --therapist T --minutes 45 --json" },
	  .exits = "1 the time is taken, 65 a value is wrong, 66 unknown id, 77 not allowed, or "
		   "not to the patient's comfort",
	  .run = cli_run_verb,
	  .path = "add/walk-in",
	  .done = "Added appointment {appointment_id}." },
	{ .verb = "rebook",
	  .help = "Book the next visit: the same time, room and therapist after the plan's "
		  "interval",
	  .flags = FLAGS(FLAG("patient", "patient_id", "ID", CLI_TAKE_WORD, "which patient"),
			 FLAG("session", "session_id", "SID", CLI_TAKE_WORD,
			      "or the session that ends now"),
			 { .name = "interval-days",
			   .key = "interval_days",
			   .meta = "N",
			   .take = CLI_TAKE_COUNT,
			   .min = 1,
			   .max = 366,
			   .required = true,
			   .help = "days from one to the next, as the plan says; closed days are "
				   "skipped" },
			 FLAG("from", "appointment_id", "ID", CLI_TAKE_WORD,
			      "the appointment it follows (default: the latest)"),
			 YES_FLAG),
	  .examples = { "roomkeep rebook --patient ID --interval-days 14",
			"roomkeep rebook --session SID --interval-days 7 --json" },
	  .exits = "1 the time is taken, 65 a value is wrong, 66 nothing to go on from, 77 not "
		   "allowed, or not to the patient's comfort",
	  .run = cli_run_verb,
	  .path = "rebook",
	  .done = "Booked {appointment_id}, {starts_at}." },
	{ .verb = "list",
	  .noun = "waitlist",
	  .help = "List who waits for a time, longest first",
	  .examples = { "roomkeep list waitlist", "roomkeep list waitlist --json" },
	  .exits = EXITS_SIGNED_IN,
	  .run = cli_run_verb,
	  .path = "list/waitlist",
	  .list = "waiting",
	  .columns = "added_at:Since,patient:Patient,wishes:Wishes,from_day:From,until_day:Until,"
		     "waitlist_item_id:Id",
	  .empty = "Nobody waits." },
	{ .verb = "export",
	  .noun = "day-sheet",
	  .help = "Write a day sheet for printing (HTML); works without the server",
	  .flags = FLAGS(DAY_FLAGS, DAYS_FLAG("how many days (1 to 31, default 1)"),
			 NEED("file", "file", "FILE", CLI_TAKE_PATH, "the new file"),
			 FLAG("overwrite", "overwrite", NULL, CLI_TAKE_NOTHING,
			      "replace a file that is there")),
	  .examples = { "roomkeep export day-sheet --file today.html",
			"roomkeep export day-sheet --day 2026-12-01 --days 2 --file two.html" },
	  .exits = "1 the file is there, 65 no such day, 66 no such folder, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "export/day-sheet",
	  .done = "Wrote {appointments} appointments to {file}." },
	{ .verb = "export",
	  .noun = "calendar",
	  .help = "Write a room's or a therapist's appointments as iCalendar: initials only",
	  .flags = FLAGS(DAY_FLAGS, DAYS_FLAG("how many days (1 to 31, default 31)"),
			 NEED("file", "file", "FILE", CLI_TAKE_PATH, "the new file"),
			 FLAG("overwrite", "overwrite", NULL, CLI_TAKE_NOTHING,
			      "replace a file that is there")),
	  .examples = { "roomkeep export calendar --therapist ID --file mara.ics",
			"roomkeep export calendar --room ID --file room1.ics --json" },
	  .exits = "1 the file is there, 65 no such day, 66 no such folder, 77 not allowed",
	  .run = cli_run_verb,
	  .path = "export/calendar",
	  .done = "Wrote {appointments} appointments to {file}." },
	{ .verb = "list",
	  .noun = "pending",
	  .help = "List your changes that need time or a look",
	  .examples = { "roomkeep list pending", "roomkeep list pending --json" },
	  .exits = EXITS_SIGNED_IN,
	  .run = cli_run_verb,
	  .path = "list/pending",
	  .list = "ops",
	  .columns = "state:State,kind:Kind,code:Code,op_id:Id",
	  .empty = "Nothing is waiting." },
};

static const struct cli_param no_flags[] = { { 0 } };

const struct cli_command *cli_commands(size_t *ret_count)
{
	static struct cli_command commands[COUNT_OF(own_commands) + CLI_RECORD_COMMANDS_MAX];
	static size_t count;

	if (count == 0) {
		memcpy(commands, own_commands, sizeof(own_commands));
		count = COUNT_OF(own_commands);
		count += cli_record_commands(commands + count);
		for (size_t i = 0; i < count; i++)
			if (commands[i].flags == NULL) commands[i].flags = no_flags;
	}
	*ret_count = count;
	return commands;
}

static const struct cli_param *flag_in(const struct cli_param *flags, const char *name, size_t len)
{
	for (const struct cli_param *p = flags; p->name != NULL; p++) {
		if (strlen(p->name) == len && strncmp(p->name, name, len) == 0) return p;
	}
	return NULL;
}

const struct cli_param *cli_flag_find(const struct cli_command *command, const char *name,
				      size_t len)
{
	const struct cli_param *found = flag_in(cli_global_flags, name, len);

	if (found == NULL && command != NULL) found = flag_in(command->flags, name, len);
	return found;
}

const struct cli_param *cli_flag_find_any(const char *name, size_t len)
{
	const struct cli_param *found = flag_in(cli_global_flags, name, len);
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);

	for (size_t i = 0; i < count && found == NULL; i++) {
		found = flag_in(commands[i].flags, name, len);
	}
	return found;
}

const struct cli_command *cli_command_find(const char *verb, const char *noun)
{
	size_t count = 0;
	const struct cli_command *commands = cli_commands(&count);

	for (size_t i = 0; i < count; i++) {
		const struct cli_command *c = &commands[i];
		if (strcmp(c->verb, verb) != 0) continue;
		if (c->noun == NULL) return c;
		if (noun != NULL && strcmp(c->noun, noun) == 0) return c;
	}
	return NULL;
}
