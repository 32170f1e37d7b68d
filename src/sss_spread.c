
/*
 * libmemcached's handle is used only to compute which server has a name.  It
 * never connects and resolves no names.
 */


#include <stdlib.h>
#include <string.h>

#include <libmemcached/memcached.h>

#include "sss_spread.h"
#include "sss_address.h"


struct sss_spread_s {
    const sss_server_t  *servers;
    uint32_t             usable;        /* the servers in "memc", as bits  */
    size_t               n_usable;
    size_t               index[SSS_SERVERS_MAX];    /* their places        */
    memcached_st        *memc;
};


static int sss_spread_use(sss_spread_t *spread, uint32_t usable);
static memcached_return_t sss_spread_add(memcached_st *memc,
    const sss_address_t *server, uint32_t weight);


sss_spread_t *
sss_spread_create(const sss_server_t *servers)
{
    sss_spread_t  *spread;

    spread = calloc(1, sizeof(sss_spread_t));

    if (spread != NULL) {
        spread->servers = servers;
    }

    return spread;
}


void
sss_spread_destroy(sss_spread_t *spread)
{
    if (spread != NULL) {
        if (spread->memc != NULL) {
            memcached_free(spread->memc);
        }

        free(spread);
    }
}


void
sss_spread_changed(sss_spread_t *spread)
{
    spread->usable = 0;
}


size_t
sss_spread_find(sss_spread_t *spread, uint32_t usable, const char *name)
{
    uint32_t  i;

    if (usable == 0) {
        return SSS_SERVERS_MAX;
    }

    if (usable != spread->usable && sss_spread_use(spread, usable) != 0) {
        return SSS_SERVERS_MAX;
    }

    if (spread->n_usable == 1) {
        return spread->index[0];
    }

    i = memcached_generate_hash(spread->memc, name, strlen(name));

    return i < spread->n_usable ? spread->index[i] : SSS_SERVERS_MAX;
}


static int
sss_spread_use(sss_spread_t *spread, uint32_t usable)
{
    size_t               i, n;
    memcached_st        *memc;
    memcached_return_t   rc;

    memc = memcached_create(NULL);
    if (memc == NULL) {
        return -1;
    }

    rc = memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    n = 0;

    for (i = 0; i < SSS_SERVERS_MAX && rc == MEMCACHED_SUCCESS; i++) {

        if (!(usable & (1u << i))) {
            continue;
        }

        rc = sss_spread_add(memc, &spread->servers[i].address,
                            spread->servers[i].weight);
        spread->index[n++] = i;
    }

    if (spread->memc != NULL) {
        memcached_free(spread->memc);
    }

    spread->memc = memc;
    spread->n_usable = n;

    /* after a failure the next call builds it anew */

    spread->usable = (rc == MEMCACHED_SUCCESS) ? usable : 0;

    return rc == MEMCACHED_SUCCESS ? 0 : -1;
}


static memcached_return_t
sss_spread_add(memcached_st *memc, const sss_address_t *server,
    uint32_t weight)
{
    if (server->port == 0) {
        return memcached_server_add_unix_socket_with_weight(memc,
                                                            server->host,
                                                            weight);
    }

    return memcached_server_add_with_weight(memc, server->host, server->port,
                                            weight);
}
