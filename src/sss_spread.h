
/*
 * Which server has which record: consistent hashing with weights (ketama), as
 * libmemcached does it.  Hosts that can use the same servers choose the same
 * one for a name, in whatever order they have the servers.
 */


#ifndef SSS_SPREAD_H_INCLUDED
#define SSS_SPREAD_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"


typedef struct sss_spread_s  sss_spread_t;


/*
 * "servers" are the SSS_SERVERS_MAX places, which belong to the caller and
 * outlive the result.  Returns NULL without memory.
 */
sss_spread_t *sss_spread_create(const sss_server_t *servers);

void sss_spread_destroy(sss_spread_t *spread);

/*
 * Returns the place of the server for a name, among those whose bit is set in
 * "usable".  The names of a server that is not usable are distributed over all
 * others, and all other names stay where they are.  Returns SSS_SERVERS_MAX if
 * no bit is set, or if libmemcached fails.
 */
size_t sss_spread_find(sss_spread_t *spread, uint32_t usable,
    const char *name);

/* Says that the servers in the places have changed. */
void sss_spread_changed(sss_spread_t *spread);


#endif /* SSS_SPREAD_H_INCLUDED */
