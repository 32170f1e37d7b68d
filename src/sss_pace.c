
#include "sss_pace.h"


/*
 * Lookups that follow others wait until this much after the lookups before
 * went out, or until there are this many of them for each server.  To wait
 * nine times as long saved 5 % of the CPU where it saved any, and brought
 * handshakes that overlap into step: the owner waited for all its clients, and
 * they for it.
 */
#define SSS_PACE_HOLD    100        /* us                                  */
#define SSS_PACE_MANY    16

/*
 * Lookups gather only while several of them were under way at one moment
 * within this time: one that is alone would wait for nobody.
 */
#define SSS_PACE_CROWD   10000      /* us                                  */

/*
 * No handshake waits for a store, but the client may be back soon, on another
 * host.  So stores go out at the end of the turn that made them, as long as
 * fewer than SSS_PACE_FEW turns in SSS_PACE_RUSH had any.  From that number on
 * a message for each turn would be felt, and stores wait until SSS_PACE_GATHER
 * after the message before.
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

    /* the oldest of the turns that are remembered */

    rush = pace->turn[pace->turns % SSS_PACE_FEW] + SSS_PACE_RUSH;

    return pace->gather < rush ? pace->gather : rush;
}
