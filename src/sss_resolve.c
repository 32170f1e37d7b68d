
/* The resolver may be silent for half a minute and cannot be interrupted. */


#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "sss_resolve.h"


struct sss_resolve_s {
    pthread_mutex_t  lock;
    int              left;              /* one of the two has gone         */
    int              done;
    int              wake;
    sss_address_t    address;
    sss_resolved_t   resolved;
};


static int sss_resolve_thread(sss_resolve_t *resolve);
static void *sss_resolve_main(void *data);
static void sss_resolve_copy(const struct addrinfo *ai,
    sss_resolved_t *resolved);
static void sss_resolve_leave(sss_resolve_t *resolve);


int
sss_resolve_now(const sss_address_t *address, sss_resolved_t *resolved)
{
    struct sockaddr_in   *in;
    struct sockaddr_un   *un;
    struct sockaddr_in6  *in6;

    memset(resolved, 0, sizeof(sss_resolved_t));
    resolved->n = 1;

    if (address->port == 0) {
        un = (struct sockaddr_un *) &resolved->addr[0];
        un->sun_family = AF_UNIX;
        resolved->len[0] = sizeof(struct sockaddr_un);

        if (strlen(address->host) >= sizeof(un->sun_path)) {
            resolved->n = 0;
            return 1;
        }

        memcpy(un->sun_path, address->host, strlen(address->host));
        return 1;
    }

    in = (struct sockaddr_in *) &resolved->addr[0];

    if (inet_pton(AF_INET, address->host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        resolved->len[0] = sizeof(struct sockaddr_in);
        return 1;
    }

    in6 = (struct sockaddr_in6 *) &resolved->addr[0];

    if (inet_pton(AF_INET6, address->host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        resolved->len[0] = sizeof(struct sockaddr_in6);
        return 1;
    }

    resolved->n = 0;

    return 0;
}


sss_resolve_t *
sss_resolve_start(const sss_address_t *address, int wake)
{
    sss_resolve_t  *resolve;

    resolve = calloc(1, sizeof(sss_resolve_t));
    if (resolve == NULL) {
        return NULL;
    }

    resolve->address = *address;
    resolve->wake = wake;

    if (pthread_mutex_init(&resolve->lock, NULL) != 0) {
        free(resolve);
        return NULL;
    }

    if (sss_resolve_thread(resolve) != 0) {
        pthread_mutex_destroy(&resolve->lock);
        free(resolve);
        return NULL;
    }

    return resolve;
}


int
sss_resolve_done(sss_resolve_t *resolve, sss_resolved_t *resolved)
{
    int  done;

    pthread_mutex_lock(&resolve->lock);

    done = resolve->done;

    if (done) {
        *resolved = resolve->resolved;
    }

    pthread_mutex_unlock(&resolve->lock);

    return done;
}


void
sss_resolve_free(sss_resolve_t *resolve)
{
    if (resolve != NULL) {
        pthread_mutex_lock(&resolve->lock);
        resolve->wake = -1;
        sss_resolve_leave(resolve);
    }
}


/* Signals of the process are for the threads that were there before. */

static int
sss_resolve_thread(sss_resolve_t *resolve)
{
    int        rc;
    sigset_t   all, before;
    pthread_t  thread;

    sigfillset(&all);

    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return -1;
    }

    rc = pthread_create(&thread, NULL, sss_resolve_main, resolve);

    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (rc != 0) {
        return -1;
    }

    pthread_detach(thread);

    return 0;
}


static void *
sss_resolve_main(void *data)
{
    int               rc;
    char              port[8];
    uint64_t          one;
    sss_resolve_t    *resolve;
    sss_resolved_t    resolved;
    struct addrinfo   hints, *ai;

    resolve = data;
    one = 1;
    ai = NULL;

    memset(&resolved, 0, sizeof(resolved));
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;

    snprintf(port, sizeof(port), "%u", (unsigned) resolve->address.port);

    rc = getaddrinfo(resolve->address.host, port, &hints, &ai);

    if (rc == 0) {
        sss_resolve_copy(ai, &resolved);
        freeaddrinfo(ai);
    }

    pthread_mutex_lock(&resolve->lock);

    resolve->resolved = resolved;
    resolve->done = 1;

    if (resolve->wake != -1) {
        (void) !write(resolve->wake, &one, sizeof(one));
    }

    sss_resolve_leave(resolve);

    return NULL;
}


static void
sss_resolve_copy(const struct addrinfo *ai, sss_resolved_t *resolved)
{
    for ( /* void */ ; ai && resolved->n < SSS_RESOLVE_MAX; ai = ai->ai_next) {

        if (ai->ai_addrlen > sizeof(struct sockaddr_storage)) {
            continue;
        }

        memcpy(&resolved->addr[resolved->n], ai->ai_addr, ai->ai_addrlen);
        resolved->len[resolved->n] = ai->ai_addrlen;
        resolved->n++;
    }
}


/* Whoever leaves last frees it. */

static void
sss_resolve_leave(sss_resolve_t *resolve)
{
    int  last;

    last = resolve->left;
    resolve->left = 1;

    pthread_mutex_unlock(&resolve->lock);

    if (last) {
        pthread_mutex_destroy(&resolve->lock);
        free(resolve);
    }
}
