
/*
 * The conversation with one memcached server, in its text protocol and not
 * through libmemcached, which a hostile answer can crash.  A call here blocks:
 * for a timeout at the most for a connect and whenever it waits to send or for
 * bytes, for six in all; but nobody bounds the resolution of a name.
 * sss_store.h puts an end to that.
 */


#ifndef SSS_WIRE_H_INCLUDED
#define SSS_WIRE_H_INCLUDED


#include "sss_store.h"


typedef struct sss_wire_s  sss_wire_t;


sss_wire_t *sss_wire_create(const sss_address_t *address,
    unsigned timeout_ms);

void sss_wire_destroy(sss_wire_t *wire);

/* As the sss_store_*() of the same names. */

sss_store_rc_t sss_wire_get(sss_wire_t *wire, sss_store_item_t *items,
    size_t n);
sss_store_rc_t sss_wire_put(sss_wire_t *wire, const char *name, uint64_t cas,
    const uint8_t *value, size_t len, uint32_t ttl);
sss_store_rc_t sss_wire_time(sss_wire_t *wire, uint64_t *seconds);

/* Why the last call failed, without the address. */
const char *sss_wire_error(const sss_wire_t *wire);


#endif /* SSS_WIRE_H_INCLUDED */
