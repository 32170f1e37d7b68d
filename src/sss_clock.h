
/*
 * The clock of a memcached server: "time" among its statistics.  On a
 * connection of its own, since libmemcached's parser of statistics does not
 * survive a hostile server.
 */


#ifndef SSS_CLOCK_H_INCLUDED
#define SSS_CLOCK_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"


#define SSS_CLOCK_LINE    1024          /* longest line of an answer      */
#define SSS_CLOCK_ANSWER  65536         /* longest answer                 */


typedef enum {
    SSS_CLOCK_MORE = 0,         /* no end of the answer yet               */
    SSS_CLOCK_DONE,             /* seconds is set                         */
    SSS_CLOCK_FAILED            /* reason is set                          */
} sss_clock_rc_t;


typedef struct {
    uint64_t         seconds;           /* since the epoch                */
    const char      *reason;            /* static                         */

    sss_clock_rc_t   rc;
    size_t           total;             /* bytes so far                   */
    size_t           len;               /* of the line begun              */
    char             line[SSS_CLOCK_LINE];
} sss_clock_t;


void sss_clock_init(sss_clock_t *clock);

/*
 * Takes the next bytes of an answer to "stats", in pieces of any size.  Stays
 * with DONE and FAILED, whatever else comes.
 */
sss_clock_rc_t sss_clock_feed(sss_clock_t *clock, const void *bytes,
    size_t len);

/*
 * Connects, asks and hangs up.  "timeout_ms" bounds each connect and wait, and
 * three times as much the whole, but for the resolution of the name.  Returns
 * NULL, or why there is no time; that text lasts until the thread's next call.
 */
const char *sss_clock_read(const sss_address_t *address, unsigned timeout_ms,
    uint64_t *seconds);


#endif /* SSS_CLOCK_H_INCLUDED */
