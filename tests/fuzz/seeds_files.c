/* seeds_files: a clinic's past as CSV files, and database files with and without damage. */
#include "fuzz/seeds.h"

#include <stdio.h>
#include <string.h>

#define ALL_HEADERS 7u

static void write_import(const char *name, uint8_t headers, const char *patients,
			 const char *sessions, const char *measures)
{
	CLEANUP(buf_finip) struct buf b = { 0 };

	seed_put_u8(&b, headers);
	seed_put(&b, view_str(patients));
	seed_put(&b, view_str("=\n"));
	seed_put(&b, view_str(sessions));
	seed_put(&b, view_str("=\n"));
	seed_put(&b, view_str(measures));
	seed_write("import", name, buf_view(&b));
}

static void seeds_import(void)
{
	static const char people[] = "p1,Ann Reed,,1980-02-29,604-555-0103,ann@example.org,h1\n"
				     "p2,\"Falk, Bernard\",Bern,1958-11-02,,,\n";
	static const char visits[] = "s1,p1,mara,Room 1,467,17:15,75,\"Forearm burns.\",Less "
				     "pain.,Outer elbow.,Rest,yes\n"
				     "s2,p2,jo,Room 1,3,09:00,60,,,,,no\n";
	static const char values[] = "s1,pre,wr_flex,R,59,\ns1,post,el_cozen,L,,pos\n"
				     "s2,mid,nprs,,5.5,\n";

	write_import("whole", ALL_HEADERS, people, visits, values);
	write_import("patients", ALL_HEADERS, people, "", "");
	write_import("no_header", 6, people, visits, values);
	write_import("no_room", ALL_HEADERS, people, "s1,p1,mara,Room 9,467,17:15,75,,,,,no\n", "");
	write_import("no_measure", ALL_HEADERS, people, visits, "s9,pre,nprs,,5,\n");
	write_import("twice", ALL_HEADERS, "p1,Ann,,,,,\np1,Ann,,,,,\n", "", "");
	write_import("bad_value", ALL_HEADERS, people, visits, "s1,pre,nprs,,99,\n");
	write_import("bad_quote", ALL_HEADERS, "p1,\"Ann,,,,,\n", "", "");
}

/* file, not cut; then edits: a place, a length, bytes. */
static void put_edit(struct buf *b, uint32_t at, const char *with)
{
	seed_put_u8(b, (uint8_t)(at >> 16));
	seed_put_u8(b, (uint8_t)(at >> 8));
	seed_put_u8(b, (uint8_t)at);
	seed_put_u8(b, (uint8_t)strlen(with));
	seed_put(b, view_str(with));
}

static void seeds_db(void)
{
	static const uint8_t whole[] = { 0, 1, 2, 3 };

	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		static const char *const names[] = { "server", "room", "old_room", "nothing" };
		CLEANUP(buf_finip) struct buf hurt = { 0 };
		CLEANUP(buf_finip) struct buf cut = { 0 };
		char name[32];

		seed_write("db", names[i], view_of(&whole[i], 1));
		seed_put_u8(&hurt, whole[i]);
		seed_put_u8(&hurt, 0);
		put_edit(&hurt, 4096 * (uint32_t)(3 + i) + 100, "damage");
		put_edit(&hurt, 0x9000, "\xff\xff");
		(void)snprintf(name, sizeof(name), "%s_hurt", names[i]);
		seed_write("db", name, buf_view(&hurt));
		seed_put_u8(&cut, whole[i]);
		seed_put_u8(&cut, 1);
		seed_put_u8(&cut, 6); /* times 256 times 16 */
		seed_put_u8(&cut, 0);
		(void)snprintf(name, sizeof(name), "%s_cut", names[i]);
		seed_write("db", name, buf_view(&cut));
	}
}

void seeds_files(void)
{
	seeds_import();
	seeds_db();
}
