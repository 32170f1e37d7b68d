
/*
 * The pace: when lookups and stores are sent.
 *
 * For both ends a message costs many times what one more lookup or store in it
 * costs.  So under load, requests wait for others for a short time, in order
 * to be sent with them.  While there is little to do nothing waits.
 *
 * All times are in microseconds, of sss_request_clock().
 */


#ifndef SSS_PACE_H_INCLUDED
#define SSS_PACE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_PACE_FEW    8


/* To be zeroed before the first use. */

typedef struct {
    uint64_t  crowd;                /* lookups wait for others at most until
                                       then, since several were under way at
                                       one moment lately                   */
    uint64_t  hold;                 /* lookups wait at most until then, a
                                       short time after the last ones were
                                       sent                                */
    uint64_t  gather;               /* stores wait at most until then      */
    uint64_t  turn[SSS_PACE_FEW];   /* when the last turns of the loop were in
                                       which something was stored; a ring
                                       buffer                              */
    size_t    turns;                /* number of such turns so far         */
} sss_pace_t;


/* Takes note of a lookup at "now"; "waiting" are under way including it. */
void sss_pace_lookup(sss_pace_t *pace, unsigned waiting, uint64_t now);

/* Takes note that something was stored in the turn that ends at "now". */
void sss_pace_store(sss_pace_t *pace, uint64_t now);

/* Takes note that lookups are sent at "now". */
void sss_pace_asked(sss_pace_t *pace, uint64_t now);

/*
 * Takes note that everything that waited, stores included, is sent at "now".
 */
void sss_pace_sent(sss_pace_t *pace, uint64_t now);

/*
 * Returns when the "n" > 0 lookups that wait, for "servers" servers together,
 * are to be sent.  A time that has passed, 0 for example, means at once.
 */
uint64_t sss_pace_asks(const sss_pace_t *pace, size_t n, size_t servers);

/* Returns when the stores that wait are to be sent, likewise. */
uint64_t sss_pace_sends(const sss_pace_t *pace);


#endif /* SSS_PACE_H_INCLUDED */
