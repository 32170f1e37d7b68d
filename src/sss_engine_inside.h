
/* What the files of the engine share; nothing else includes this. */


#ifndef SSS_ENGINE_INSIDE_H_INCLUDED
#define SSS_ENGINE_INSIDE_H_INCLUDED


#include "sss_engine.h"
#include "sss_link.h"
#include "sss_names.h"
#include "sss_pace.h"
#include "sss_request.h"
#include "sss_spread.h"


struct sss_engine_s {
    sss_names_t        *names;
    const sss_server_t *servers;        /* points into "names"             */
    size_t              n;              /* number of links                 */
    uint32_t            secure;         /* bit i: i-th directive has TLS   */
    uint32_t            ids[SSS_SERVERS_MAX];       /* of the servers that
                                                       the links are to    */
    sss_link_t         *links[SSS_SERVERS_MAX];     /* NULL: no server     */
    sss_spread_t       *spread;
    int                 wake;           /* eventfd: a name was resolved    */

    uint64_t            timeout;        /* of a lookup, us                 */
    sss_link_conf_t     link;
    unsigned            queue;
    unsigned            breaker;

    unsigned            used;           /* lookups whose results have not been
                                           taken                           */
    sss_queue_t         requests;       /* lookups that are not sent yet   */
    size_t              asking;         /* their number                    */
    sss_queue_t         batch[SSS_SERVERS_MAX];     /* the same, by server */
    sss_queue_t         done;           /* ended, but not counted yet      */
    sss_queue_t         results;        /* to be taken by the owner        */

    sss_pace_t          pace;
    uint64_t            seen;           /* stats.stores at the last run    */
    unsigned            failing;        /* failed lookups in a row         */
    uint64_t            probe;          /* when to send the next probes while
                                           the breaker is open             */
    sss_engine_stats_t  stats;
};


/*
 * Queues a request, or frees it if it is refused.  NULL stands for a request
 * for which there was no memory, and is refused.
 */
sss_engine_queue_t sss_engine_queue(sss_engine_t *engine,
    sss_request_t *request, void *data, sss_request_t **lookup);

/*
 * The place of the server that a claim is for; SSS_SERVERS_MAX if that is none
 * of the cluster any more, or not usable.
 */
size_t sss_engine_claimed(sss_engine_t *engine, const sss_request_t *request);


#endif /* SSS_ENGINE_INSIDE_H_INCLUDED */
