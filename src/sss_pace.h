
/*
 * When lookups and stores go out.
 *
 * A message costs both ends many times what one more lookup or store in it
 * does.  So under load they wait for each other, as short a time as pays off,
 * and while there is little to do nothing waits.
 *
 * All times are those of sss_request_clock(), in microseconds.
 */


#ifndef SSS_PACE_H_INCLUDED
#define SSS_PACE_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_PACE_FEW    8


/* All zeros at first. */

typedef struct {
    uint64_t  crowd;                /* until then lookups may gather       */
    uint64_t  hold;                 /* and those that are asked for now    */
    uint64_t  gather;               /* and stores                          */
    uint64_t  turn[SSS_PACE_FEW];   /* when the last turns with stores were */
    size_t    turns;                /* so many there were                  */
} sss_pace_t;


/* A lookup was asked for at "now"; with it, "waiting" are under way. */
void sss_pace_lookup(sss_pace_t *pace, unsigned waiting, uint64_t now);

/* In the turn of the owner's loop that ends now there were stores. */
void sss_pace_store(sss_pace_t *pace, uint64_t now);

/* Lookups go out. */
void sss_pace_asked(sss_pace_t *pace, uint64_t now);

/* Messages go out, and stores with them. */
void sss_pace_sent(sss_pace_t *pace, uint64_t now);

/* When "n" > 0 lookups for "servers" servers are to go out. */
uint64_t sss_pace_asks(const sss_pace_t *pace, size_t n, size_t servers);

/* When stores are to go out. */
uint64_t sss_pace_sends(const sss_pace_t *pace);


#endif /* SSS_PACE_H_INCLUDED */
