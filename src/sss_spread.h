
/*
 * Which server has which record: consistent hashing (ketama) with weights, as
 * every client of libmemcached does it.  All hosts that can reach the same
 * servers agree, whatever the order in which they know them.
 */


#ifndef SSS_SPREAD_H_INCLUDED
#define SSS_SPREAD_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"


typedef struct sss_spread_s  sss_spread_t;


/*
 * "servers" are SSS_SERVERS_MAX places, the caller's, and outlive the spread.
 * Returns NULL without memory.
 */
sss_spread_t *sss_spread_create(const sss_server_t *servers);

void sss_spread_destroy(sss_spread_t *spread);

/*
 * The server of a name among those whose bit is set in "usable": of the names
 * of the others every server that is left gets its share, the rest stay where
 * they are.  Returns SSS_SERVERS_MAX if none is set.
 */
size_t sss_spread_find(sss_spread_t *spread, uint32_t usable,
    const char *name);

/* Servers have come or gone. */
void sss_spread_changed(sss_spread_t *spread);


#endif /* SSS_SPREAD_H_INCLUDED */
