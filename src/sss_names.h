
/*
 * The servers of a cluster.  A line of the configuration that is a number or a
 * path is one; a name stands for all of its addresses, each of which is a
 * server of its own.  Names are asked for again every 30 seconds, and two
 * seconds after a server of theirs has failed, in the background: servers
 * come and go with their addresses.  A resolver that fails changes nothing.
 *
 * Places: a server keeps its place as long as it stays, and another one that
 * has it later has another id.
 */


#ifndef SSS_NAMES_H_INCLUDED
#define SSS_NAMES_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_address.h"


typedef struct sss_names_s  sss_names_t;


/*
 * Up to SSS_SERVERS_MAX "lines", and their "weights" (NULL: all alike), which
 * are copied.  The names have the addresses in "known" (SSS_SERVERS_MAX; NULL:
 * none) until they are answered for.  The eventfd "wake" tells of answers.
 * Returns NULL without memory.
 */
sss_names_t *sss_names_create(const sss_address_t *lines,
    const uint32_t *weights, const sss_known_t *known, size_t n, int wake);
void sss_names_destroy(sss_names_t *names);

/* SSS_SERVERS_MAX places. */
const sss_server_t *sss_names_servers(const sss_names_t *names);

/*
 * Asks for names that are due, and takes answers; "now" is of
 * sss_request_clock().  Returns 1 if any server has come or gone.
 */
int sss_names_check(sss_names_t *names, uint64_t now);

/* When sss_names_check() has work at the latest; UINT64_MAX: never. */
uint64_t sss_names_due(const sss_names_t *names);

/* The server at this place has failed. */
void sss_names_failed(sss_names_t *names, size_t i);

/*
 * 1 if every name has been answered for, or has had half a second since the
 * beginning: what there is now is worth beginning with.
 */
int sss_names_settled(const sss_names_t *names, uint64_t now);


#endif /* SSS_NAMES_H_INCLUDED */
