
/*
 * A memory, of a few kilobytes, of the session IDs that were seen before.
 *
 * A session that was found in memcached is put into nginx's own cache only
 * when it comes to this worker for the second time.  In a large fleet most
 * sessions never come to the same host again, and putting one into the cache
 * costs more than all the rest of its lookup.  The memory is approximate: it
 * forgets IDs that came long ago, and takes one in two billion new IDs for a
 * known one.
 */


#ifndef SSS_SEEN_H_INCLUDED
#define SSS_SEEN_H_INCLUDED


#include <stdint.h>


#define SSS_SEEN_SLOTS  1024
#define SSS_SEEN_BYTES  6           /* bytes of an ID that are compared    */


/* To be zeroed before the first use. */

typedef struct {
    uint32_t  slots[SSS_SEEN_SLOTS];
} sss_seen_t;


/*
 * Returns 1 if this ID was passed before and is remembered, else 0, and
 * remembers it.  "random" are SSS_SEEN_BYTES random bytes of the ID.
 */
int sss_seen_before(sss_seen_t *seen, const uint8_t *random);


#endif /* SSS_SEEN_H_INCLUDED */
