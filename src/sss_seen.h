
/*
 * Which sessions were here before, by a memory of a few kilobytes.
 *
 * A session that comes from elsewhere for the first time need not be kept: in
 * a large fleet most never come to the same host again, and keeping one costs
 * more than all else that is done with it.  The one that comes again is worth
 * it.  The memory is a guess: it forgets what came long ago, and takes one in
 * two billion strangers for an acquaintance.
 */


#ifndef SSS_SEEN_H_INCLUDED
#define SSS_SEEN_H_INCLUDED


#include <stdint.h>


#define SSS_SEEN_SLOTS  1024
#define SSS_SEEN_BYTES  6           /* of an ID that are looked at         */


/* All zero at the beginning. */

typedef struct {
    uint32_t  slots[SSS_SEEN_SLOTS];
} sss_seen_t;


/*
 * 1 if an ID was shown before, as far as is remembered, else 0; from now on it
 * was.  "random" are SSS_SEEN_BYTES bytes of the ID that are random.
 */
int sss_seen_before(sss_seen_t *seen, const uint8_t *random);


#endif /* SSS_SEEN_H_INCLUDED */
