
/*
 * The conversation with one memcached server: records through libmemcached,
 * its clock through sss_clock.h.  A call here blocks for as long as these do:
 * every connect, send and wait for bytes is bounded, but libmemcached does
 * not bound their number, and nobody the resolution of a name.  sss_store.h
 * puts an end to that.
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
