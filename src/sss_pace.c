
#include "sss_pace.h"


/*
 * Lookups wait until SSS_PACE_HOLD after the last ones were sent, or until
 * there are SSS_PACE_MANY for each server.  Nine times that delay was
 * measured: it saved 5 % of the CPU time at best, and made handshakes that
 * overlap run in step, so that the worker had to wait for all of its clients,
 * and then they for the worker.
 */
#define SSS_PACE_HOLD    100        /* us                                  */
#define SSS_PACE_MANY    16

/*
 * Lookups wait only if within this time several of them were under way at one
 * moment.  A single one would wait in vain.
 */
#define SSS_PACE_CROWD   10000      /* us                                  */

/*
 * No handshake waits for a store, but its client may soon be back on another
 * host.  So stores are sent at the end of the turn that made them, as long as
 * fewer than SSS_PACE_FEW turns within SSS_PACE_RUSH had any.  With more of
 * them, one message for each turn would cost noticeable CPU time, and stores
 * wait until SSS_PACE_GATHER after the message before.
 */
#define SSS_PACE_RUSH    10000      /* us                                  */
#define SSS_PACE_GATHER  4900       /* us                                  */


void
sss_pace_lookup(sss_pace_t *pace, unsigned waiting, uint64_t now)
{
    if (waiting > 1) {
        pace->crowd = now + SSS_PACE_CROWD;
    }
}


void
sss_pace_store(sss_pace_t *pace, uint64_t now)
{
    pace->turn[pace->turns++ % SSS_PACE_FEW] = now;
}


void
sss_pace_asked(sss_pace_t *pace, uint64_t now)
{
    pace->hold = now + SSS_PACE_HOLD;
}


void
sss_pace_sent(sss_pace_t *pace, uint64_t now)
{
    pace->gather = now + SSS_PACE_GATHER;
}


uint64_t
sss_pace_asks(const sss_pace_t *pace, size_t n, size_t servers)
{
    if (n >= SSS_PACE_MANY * servers) {
        return 0;
    }

    return pace->hold < pace->crowd ? pace->hold : pace->crowd;
}


uint64_t
sss_pace_sends(const sss_pace_t *pace)
{
    uint64_t  rush;

    /* the next element to be overwritten is the oldest of the turns */

    rush = pace->turn[pace->turns % SSS_PACE_FEW] + SSS_PACE_RUSH;

    return pace->gather < rush ? pace->gather : rush;
}
