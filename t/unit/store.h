
/* What the tests of a store share. */


#ifndef STORE_H_INCLUDED
#define STORE_H_INCLUDED


#include "memcached.h"
#include "sss_store.h"


#define NAME     "sss1:0123456789012345678901234567890123456789"
#define OTHER    "sss1:9876543210987654321098765432109876543210"
#define TIMEOUT  200
#define PATIENT  20000

/* What no call may take: far more than the four timeouts promised. */
#define LONG     40000


sss_store_item_t store_item(const char *name, uint8_t *value, size_t size);

sss_store_rc_t store_put(sss_store_t *store, const char *name, uint64_t cas,
    const char *value);

/* Every call to this server fails, soon, and says where and why. */
void store_fails(const sss_address_t *address, const char *why);


#endif /* STORE_H_INCLUDED */
