
/*
 * getaddrinfo() may block for half a minute and cannot be interrupted.  So the
 * thread and its owner share one structure, and whoever is done with it last
 * frees it.
 */


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
    int              left;              /* 1: one of the two is done with it */
    int              done;
    int              wake;
    sss_address_t    address;
    sss_resolved_t   resolved;
};


static int sss_resolve_thread(sss_resolve_t *resolve);
static void *sss_resolve_main(void *data);
static void sss_resolve_copy(const struct addrinfo *ai, uint16_t port,
    sss_resolved_t *resolved);
static void sss_resolve_leave(sss_resolve_t *resolve);


socklen_t
sss_resolve_number(const sss_address_t *address, struct sockaddr_storage *ss)
{
    size_t                len;
    struct sockaddr_in   *in;
    struct sockaddr_un   *un;
    struct sockaddr_in6  *in6;

    memset(ss, 0, sizeof(struct sockaddr_storage));

    if (address->port == 0) {
        un = (struct sockaddr_un *) ss;
        un->sun_family = AF_UNIX;

        len = strlen(address->host);

        if (len >= sizeof(un->sun_path)) {
            return 0;
        }

        memcpy(un->sun_path, address->host, len);
        return sizeof(struct sockaddr_un);
    }

    in = (struct sockaddr_in *) ss;

    if (inet_pton(AF_INET, address->host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        return sizeof(struct sockaddr_in);
    }

    in6 = (struct sockaddr_in6 *) ss;

    if (inet_pton(AF_INET6, address->host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        return sizeof(struct sockaddr_in6);
    }

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


/*
 * Starts the thread with all signals blocked: those of nginx must be delivered
 * to its own thread.
 */

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
        sss_resolve_copy(ai, resolve->address.port, &resolved);
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


/* Copies the addresses of an answer, sorted and without duplicates. */

static void
sss_resolve_copy(const struct addrinfo *ai, uint16_t port,
    sss_resolved_t *resolved)
{
    int             order;
    size_t          i;
    sss_address_t   address;

    for ( /* void */ ; ai != NULL; ai = ai->ai_next) {

        memset(&address, 0, sizeof(sss_address_t));
        address.port = port;

        if (getnameinfo(ai->ai_addr, ai->ai_addrlen, address.host,
                        sizeof(address.host), NULL, 0, NI_NUMERICHOST)
            != 0)
        {
            continue;
        }

        order = 1;

        for (i = 0; i < resolved->n; i++) {
            order = strcmp(address.host, resolved->address[i].host);

            if (order <= 0) {
                break;
            }
        }

        if (i == SSS_RESOLVE_MAX || (i < resolved->n && order == 0)) {
            continue;
        }

        if (resolved->n == SSS_RESOLVE_MAX) {
            resolved->n--;
        }

        memmove(&resolved->address[i + 1], &resolved->address[i],
                (resolved->n - i) * sizeof(sss_address_t));

        resolved->address[i] = address;
        resolved->n++;
    }
}


/* Called with the lock by owner and thread; the second call frees it. */

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
