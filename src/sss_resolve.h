
/*
 * Addresses of servers.  Numbers and paths are known at once; names are looked
 * up by a thread that nobody waits for, the only one that there is.
 */


#ifndef SSS_RESOLVE_H_INCLUDED
#define SSS_RESOLVE_H_INCLUDED


#include <stddef.h>
#include <sys/socket.h>

#include "sss_address.h"


#define SSS_RESOLVE_MAX  32


/*
 * All addresses of a name, as numbers, in an order that does not depend on
 * that of the answer.  Of more than there is room for the first ones.
 */

typedef struct {
    size_t         n;
    sss_address_t  address[SSS_RESOLVE_MAX];
} sss_resolved_t;


typedef struct sss_resolve_s  sss_resolve_t;


/*
 * The socket address of a number or path.  Returns its length, or 0 if it is a
 * name, or a path that is too long.
 */
socklen_t sss_resolve_number(const sss_address_t *address,
    struct sockaddr_storage *ss);

/*
 * Looks a name up.  Adds 1 to the eventfd "wake" when it is done.  Returns
 * NULL without memory or threads.
 */
sss_resolve_t *sss_resolve_start(const sss_address_t *address, int wake);

/* 1 if it is done: "resolved" is filled in, with none for no such name. */
int sss_resolve_done(sss_resolve_t *resolve, sss_resolved_t *resolved);

/* Does not wait; from now on "wake" is left alone. */
void sss_resolve_free(sss_resolve_t *resolve);


#endif /* SSS_RESOLVE_H_INCLUDED */
