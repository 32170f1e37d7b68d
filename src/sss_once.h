
/*
 * What this host has accepted, each once: a table of bounded size in shared
 * memory, whatever memcached says.
 *
 * A hash stays until its time is over and is never pushed out by others: where
 * there is no room nothing is taken.  Times are of one clock, in seconds.  A
 * clock that is set back would bring the times of hashes back that are gone,
 * so that nothing is taken either until it is where it was.
 */


#ifndef SSS_ONCE_H_INCLUDED
#define SSS_ONCE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_ONCE_HASH  16               /* bytes of a hash                 */
#define SSS_ONCE_WAYS  8                /* places that a hash may have     */
#define SSS_ONCE_BACK  1                /* a clock may go back, seconds    */


typedef enum {
    SSS_ONCE_TAKEN = 0,         /* it was not there, and is now            */
    SSS_ONCE_AGAIN,             /* it was there                            */
    SSS_ONCE_FULL,              /* there is no room                        */
    SSS_ONCE_TIME               /* the clock was set back                  */
} sss_once_rc_t;


typedef struct sss_once_s  sss_once_t;


/* Bytes of a table with so many places, rounded up to a power of two. */
size_t sss_once_size(size_t places);

/* Makes an empty table in so many bytes of the caller's, aligned to 8. */
sss_once_t *sss_once_init(void *memory, size_t places);

/*
 * Takes a hash, whose time is over at "until"; the caller sees to it that
 * nobody else uses the table meanwhile.
 */
sss_once_rc_t sss_once_take(sss_once_t *once, const uint8_t *hash,
    uint64_t now, uint64_t until);


#endif /* SSS_ONCE_H_INCLUDED */
