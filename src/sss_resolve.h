
/*
 * Addresses of a server, without waiting for them: numbers and paths are
 * known at once, names are looked up by a thread that nobody waits for.
 */


#ifndef SSS_RESOLVE_H_INCLUDED
#define SSS_RESOLVE_H_INCLUDED


#include <stddef.h>
#include <sys/socket.h>

#include "sss_address.h"


#define SSS_RESOLVE_MAX  8


typedef struct {
    struct sockaddr_storage  addr[SSS_RESOLVE_MAX];
    socklen_t                len[SSS_RESOLVE_MAX];
    size_t                   n;         /* 0: there is no such name        */
} sss_resolved_t;


typedef struct sss_resolve_s  sss_resolve_t;


/* 1 if "address" needs no looking up: "resolved" is filled in. */
int sss_resolve_now(const sss_address_t *address, sss_resolved_t *resolved);

/*
 * Looks a name up.  Adds 1 to the eventfd "wake" when it is done.  Returns
 * NULL without memory or threads.
 */
sss_resolve_t *sss_resolve_start(const sss_address_t *address, int wake);

/* 1 if it is done: "resolved" is filled in. */
int sss_resolve_done(sss_resolve_t *resolve, sss_resolved_t *resolved);

/* Does not wait; from now on "wake" is left alone. */
void sss_resolve_free(sss_resolve_t *resolve);


#endif /* SSS_RESOLVE_H_INCLUDED */
