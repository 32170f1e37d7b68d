
/* What the files of the engine share; for them alone. */


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
    const sss_server_t *servers;        /* of the names                    */
    size_t              n;              /* of them have a link             */
    uint32_t            secure;         /* lines with TLS                  */
    uint32_t            ids[SSS_SERVERS_MAX];
    sss_link_t         *links[SSS_SERVERS_MAX];     /* NULL: none          */
    sss_spread_t       *spread;
    int                 wake;           /* eventfd: a name was resolved    */

    uint64_t            timeout;        /* of a lookup, us                 */
    sss_link_conf_t     link;
    unsigned            queue;
    unsigned            breaker;

    unsigned            used;           /* lookups, with results not taken */
    sss_queue_t         requests;       /* to be asked                     */
    size_t              asking;         /* so many                         */
    sss_queue_t         batch[SSS_SERVERS_MAX];
    sss_queue_t         done;           /* over, and not counted yet       */
    sss_queue_t         results;

    sss_pace_t          pace;
    uint64_t            seen;           /* stores before this turn         */
    unsigned            failing;        /* lookups in a row                */
    uint64_t            probe;          /* while open: next probes         */
    sss_engine_stats_t  stats;
};


/* Takes the request over, or frees it; NULL is no memory for one. */
sss_engine_queue_t sss_engine_queue(sss_engine_t *engine,
    sss_request_t *request, void *data, sss_request_t **lookup);

/* The one that a claim goes to; SSS_SERVERS_MAX: it goes to none. */
size_t sss_engine_claimed(sss_engine_t *engine, const sss_request_t *request);


#endif /* SSS_ENGINE_INSIDE_H_INCLUDED */
