/* sim_secret: memory for secrets without its guard pages, and passphrases hashed at the floor.
 *
 * Real sodium_malloc asks the kernel for pages and locks them, about six calls for 32 bytes: half
 * of a seed's time. Here it is the heap, which a sanitizer watches better than guard pages do. What
 * guards a real process is tested in unit/crypt. Passphrases are hashed some hundred times a seed,
 * so they take the least that ROOMKEEP_FAST_KDF lets pass. The linker sends the calls here. */
#include "crypt/kdf.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 16u /* the size, so that it can be wiped; and malloc's alignment is kept */

void *__wrap_sodium_malloc(size_t size);
void __wrap_sodium_free(void *p);
struct kdf_params __wrap_kdf_params_default(void);

void *__wrap_sodium_malloc(size_t size)
{
	uint8_t *head = malloc(HEAD_BYTES + size);
	if (head == NULL) return NULL;
	memcpy(head, &size, sizeof(size));
	return head + HEAD_BYTES;
}

void __wrap_sodium_free(void *p)
{
	size_t size = 0;
	if (p == NULL) return;
	uint8_t *head = (uint8_t *)p - HEAD_BYTES;
	memcpy(&size, head, sizeof(size));
	sodium_memzero(p, size);
	free(head);
}

struct kdf_params __wrap_kdf_params_default(void)
{
	return (struct kdf_params){ .t = KDF_T_MIN, .m_kib = KDF_M_KIB_MIN };
}
