
/*
 * Memory for secrets.
 *
 * STEKs, cluster secrets, and opened records are kept in memory that is
 * allocated here: whole pages, which are left out of core dumps and wiped
 * before they are given back to the system.
 */


#ifndef SSS_MEMORY_H_INCLUDED
#define SSS_MEMORY_H_INCLUDED


#include <stddef.h>


/*
 * Returns "size" bytes of zeroed, page-aligned memory that is not written to
 * core dumps (MADV_DONTDUMP, where the system has it), or NULL without memory.
 * The caller gives it back with sss_memory_free().
 */
void *sss_memory_alloc(size_t size);

/*
 * Wipes and unmaps memory that sss_memory_alloc() has returned for the same
 * size.  Does nothing for NULL.
 */
void sss_memory_free(void *p, size_t size);

/*
 * Leaves an existing mapping out of core dumps.  "p" must be page-aligned, as
 * nginx's shared memory zones are.  Returns 0, or -1 if the system cannot do
 * it.
 */
int sss_memory_hide(void *p, size_t size);

/*
 * Overwrites "size" bytes with zeros, in a way that the compiler cannot leave
 * out.  The vector registers of this thread, through which memcpy() copies
 * keys, are overwritten as well.
 */
void sss_memory_wipe(void *p, size_t size);


#endif /* SSS_MEMORY_H_INCLUDED */
