
/*
 * Addresses of servers.  Numeric addresses and paths are converted at once.
 * Each query of a name is a thread, since getaddrinfo() blocks; nobody waits
 * for it.  There are no other threads in this library.
 */


#ifndef SSS_RESOLVE_H_INCLUDED
#define SSS_RESOLVE_H_INCLUDED


#include <stddef.h>
#include <sys/socket.h>

#include "sss_address.h"


#define SSS_RESOLVE_MAX  32             /* most addresses of a name        */


/*
 * The numeric addresses of a name.  They are sorted, since resolvers rotate
 * their answers.  If there are more than SSS_RESOLVE_MAX, those that sort
 * first are kept.
 */

typedef struct {
    size_t         n;
    sss_address_t  address[SSS_RESOLVE_MAX];
} sss_resolved_t;


typedef struct sss_resolve_s  sss_resolve_t;


/*
 * Converts a numeric address or a path to a socket address.  Returns its
 * length, or 0 for a name and for a path that is too long.
 */
socklen_t sss_resolve_number(const sss_address_t *address,
    struct sockaddr_storage *ss);

/*
 * Begins a query of a name, in a thread.  When it has ended, 1 is added to the
 * eventfd "wake".  Returns NULL without memory, or if no thread can be
 * started.
 */
sss_resolve_t *sss_resolve_start(const sss_address_t *address, int wake);

/*
 * Returns 1 if the query has ended, and fills "resolved" in, with no address
 * if the query has failed; else 0.
 */
int sss_resolve_done(sss_resolve_t *resolve, sss_resolved_t *resolved);

/*
 * Gives a query up without waiting for its thread, which does not use "wake"
 * any more.  NULL is allowed.
 */
void sss_resolve_free(sss_resolve_t *resolve);


#endif /* SSS_RESOLVE_H_INCLUDED */
