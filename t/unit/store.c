
#include "unit.h"

#include "store.h"


sss_store_item_t
store_item(const char *name, uint8_t *value, size_t size)
{
    sss_store_item_t  item;

    memset(&item, 0, sizeof(item));
    snprintf(item.name, sizeof(item.name), "%s", name);
    item.value = value;
    item.size = size;

    return item;
}


sss_store_rc_t
store_put(sss_store_t *store, const char *name, uint64_t cas,
    const char *value)
{
    return sss_store_put(store, name, cas, (const uint8_t *) value,
                         strlen(value), 60);
}


void
store_fails(const sss_address_t *address, const char *why)
{
    uint8_t           value[64];
    uint64_t          start, seconds;
    sss_store_t      *store;
    sss_store_rc_t    rc;
    sss_store_item_t  item;

    store = sss_store_create(address, TIMEOUT);
    assert_non_null(store);

    item = store_item(NAME, value, sizeof(value));
    start = unit_clock_ms();

    assert_int_equal(sss_store_get(store, &item, 1), SSS_STORE_FAILED);
    assert_int_equal(item.found, 0);
    assert_non_null(strstr(sss_store_error(store), address->host));
    assert_non_null(strstr(sss_store_error(store), why));

    /* an answer that is none may look like another host's write */

    rc = store_put(store, NAME, 7, "value");
    assert_true(rc == SSS_STORE_FAILED || rc == SSS_STORE_CONFLICT);
    rc = store_put(store, NAME, 0, "value");
    assert_true(rc == SSS_STORE_FAILED || rc == SSS_STORE_CONFLICT);

    seconds = 1;
    assert_int_equal(sss_store_time(store, &seconds), SSS_STORE_FAILED);
    assert_int_equal(seconds, 0);

    assert_true(strlen(sss_store_error(store)) < SSS_STORE_ERROR);

    sss_store_destroy(store);

    assert_in_range(unit_clock_ms() - start, 0, LONG);
}
