
/*
 * The servers of a cluster.  A "memcached" directive with an address or a path
 * is one server.  A directive with a name stands for all addresses of the
 * name, each of which is a server of its own.  Names are resolved in the
 * background, again every 30 seconds, and two seconds after one of their
 * servers has failed.  Servers come and go with the addresses.  If the
 * resolver fails, the servers that are known stay.
 *
 * A server keeps its place in the array as long as it is in the cluster.
 * Another server that gets the place later has another id.
 */


#ifndef SSS_NAMES_H_INCLUDED
#define SSS_NAMES_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"


typedef struct sss_names_s  sss_names_t;


/*
 * Creates the list of servers from the addresses of "n" directives, at most
 * SSS_SERVERS_MAX, and their weights (NULL: all are 1).  Until a name has been
 * resolved it has those of the SSS_SERVERS_MAX addresses in "known" that are
 * of its directive; NULL: none.  All of this is copied.  1 is added to the
 * eventfd "wake", which is the caller's, whenever the resolver has answered.
 * Returns NULL without memory.
 */
sss_names_t *sss_names_create(const sss_address_t *lines,
    const uint32_t *weights, const sss_known_t *known, size_t n, int wake);
void sss_names_destroy(sss_names_t *names);

/* The SSS_SERVERS_MAX places, in an array that belongs to "names". */
const sss_server_t *sss_names_servers(const sss_names_t *names);

/*
 * Begins to resolve the names that are due, and takes the resolver's answers;
 * "now" is of sss_request_clock().  Returns 1 if servers have come or gone.
 */
int sss_names_check(sss_names_t *names, uint64_t now);

/* When to call sss_names_check() at the latest; UINT64_MAX: no need. */
uint64_t sss_names_due(const sss_names_t *names);

/* Says that the server in the i-th place has failed: see above. */
void sss_names_failed(sss_names_t *names, size_t i);

/*
 * 1 if every name has been resolved, or half a second has passed since the
 * list was created: a first poll need not wait any longer.
 */
int sss_names_settled(const sss_names_t *names, uint64_t now);


#endif /* SSS_NAMES_H_INCLUDED */
