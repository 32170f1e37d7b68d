
/* What the event loop and the thread of an engine share. */


#ifndef SSS_ENGINE_THREAD_H_INCLUDED
#define SSS_ENGINE_THREAD_H_INCLUDED


#include <pthread.h>

#include "sss_engine.h"
#include "sss_link.h"
#include "sss_request.h"
#include "sss_spread.h"


struct sss_engine_s {
    pthread_mutex_t     lock;
    pthread_t           thread;
    int                 wake;           /* eventfd: for the thread         */
    int                 fd;             /* eventfd: for the event loop     */
    size_t              n;              /* servers                         */
    uint64_t            timeout;        /* us                              */
    unsigned            queue;
    unsigned            breaker;

    /* under the lock */

    int                 sleeping;       /* the thread, until it is woken   */
    int                 stop;
    uint64_t            until;          /* when it stops at the latest     */
    unsigned            used;           /* requests, with results not taken */
    unsigned            failing;        /* lookups in a row                */
    uint64_t            ticket;
    sss_queue_t         requests;
    sss_queue_t         results;
    sss_engine_stats_t  stats;

    /* the thread's */

    sss_address_t       servers[SSS_SERVERS_MAX];
    uint32_t            weights[SSS_SERVERS_MAX];
    sss_link_t         *links[SSS_SERVERS_MAX];
    sss_queue_t         batch[SSS_SERVERS_MAX];
    unsigned            batched[SSS_SERVERS_MAX];
    sss_spread_t       *spread;
    sss_queue_t         done;           /* lookups that are over           */
    sss_engine_stats_t  sent;           /* what is not in "stats" yet      */
    uint64_t            hold;           /* more lookups may come until     */
    uint64_t            probe;          /* while open: next probes         */
};


void *sss_engine_main(void *data);

void sss_engine_notify(int fd);


#endif /* SSS_ENGINE_THREAD_H_INCLUDED */
