
/*
 * Memory for secrets.
 *
 * Every STEK, cluster secret and opened record of this library lives in
 * memory from here: whole pages of their own, left out of core dumps, wiped
 * before they go back to the system.
 */


#ifndef SSS_MEMORY_H_INCLUDED
#define SSS_MEMORY_H_INCLUDED


#include <stddef.h>


/*
 * Returns "size" bytes of zeroed memory that is not written to core dumps
 * (MADV_DONTDUMP where the system has it), or NULL.  The caller owns the
 * memory and gives it back with sss_memory_free().
 */
void *sss_memory_alloc(size_t size);

/* Wipes and unmaps what sss_memory_alloc() returned for the same size. */
void sss_memory_free(void *p, size_t size);

/*
 * Leaves an existing mapping out of core dumps.  "p" is page-aligned, as a
 * shared memory zone is.  Returns 0, or -1 where the system cannot do it.
 */
int sss_memory_hide(void *p, size_t size);

/*
 * Overwrites "size" bytes; the compiler never drops it.  The vector registers
 * of this thread, through which keys are copied, are overwritten as well.
 */
void sss_memory_wipe(void *p, size_t size);


#endif /* SSS_MEMORY_H_INCLUDED */
