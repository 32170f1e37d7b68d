
/*
 * Which server has which record: consistent hashing (ketama) with weights, as
 * every client of libmemcached does it.  All hosts that can reach the same
 * servers agree.
 */


#ifndef SSS_SPREAD_H_INCLUDED
#define SSS_SPREAD_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"


typedef struct sss_spread_s  sss_spread_t;


/*
 * "servers" and "weights" (NULL: all alike) are the caller's and outlive the
 * spread; up to SSS_SERVERS_MAX.  Returns NULL without memory.
 */
sss_spread_t *sss_spread_create(const sss_address_t *servers,
    const uint32_t *weights, size_t n);

void sss_spread_destroy(sss_spread_t *spread);

/*
 * The server of a name among those whose bit is set in "usable": of the names
 * of the others every server that is left gets its share, the rest stay where
 * they are.  Returns n if none is set.
 */
size_t sss_spread_find(sss_spread_t *spread, uint32_t usable,
    const char *name);


#endif /* SSS_SPREAD_H_INCLUDED */
