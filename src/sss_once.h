
/*
 * The flights of early data that this host has accepted: a table of hashes in
 * shared memory, of bounded size.  So a host accepts no flight twice, whatever
 * memcached says.
 *
 * A hash stays in the table until its time is over, and is never replaced by
 * others: if there is no room, no flight is accepted.  All times are in
 * seconds of one clock.  If the clock is set back, flights whose hashes are
 * gone could be accepted again.  So none is accepted until the clock has
 * caught up.
 */


#ifndef SSS_ONCE_H_INCLUDED
#define SSS_ONCE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_ONCE_HASH  16               /* bytes of a hash                 */
#define SSS_ONCE_WAYS  8                /* places where a hash may be      */
#define SSS_ONCE_BACK  1                /* seconds by which the clock may go
                                           back without consequences       */


typedef enum {
    SSS_ONCE_TAKEN = 0,         /* the hash was not in the table; it is now */
    SSS_ONCE_AGAIN,             /* it was in the table                     */
    SSS_ONCE_FULL,              /* not added: there is no room             */
    SSS_ONCE_TIME               /* not added: the clock was set back       */
} sss_once_rc_t;


typedef struct sss_once_s  sss_once_t;


/*
 * The size in bytes of a table with so many places, whose number is rounded up
 * to a power of two.
 */
size_t sss_once_size(size_t places);

/*
 * Makes an empty table in sss_once_size() bytes of the caller's, aligned to 8.
 */
sss_once_t *sss_once_init(void *memory, size_t places);

/*
 * Adds a hash (SSS_ONCE_HASH bytes), which stays until the time "until".  The
 * caller holds a lock that keeps others from using the table.
 */
sss_once_rc_t sss_once_take(sss_once_t *once, const uint8_t *hash,
    uint64_t now, uint64_t until);


#endif /* SSS_ONCE_H_INCLUDED */
