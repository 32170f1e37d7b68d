
/* Engines for the unit tests, and the memcached servers they use. */


#ifndef ENGINE_H_INCLUDED
#define ENGINE_H_INCLUDED


#include "unit.h"

#include "memcached.h"
#include "sss_engine.h"


#define NAME     "sss1:0123456789012345678901234567890123456789"
#define OTHER    "sss1:9876543210987654321098765432109876543210"
#define NEVER    50

/*
 * A timeout (ms) that never passes while all is well, and one that is to pass.
 */
#define PATIENT  20000
#define TIMEOUT  100

/* Nothing may take so long (ms), which is far more than is promised. */
#define LONG     40000


/* The engine uses the first server, with the timeout PATIENT. */

typedef struct {
    memcached_t    memcached[2];
    sss_engine_t  *engine;
} fixture_t;


int engine_setup(void **state);
int engine_teardown(void **state);

#define with_servers(test)                                                    \
    cmocka_unit_test_setup_teardown(test, engine_setup, engine_teardown)


/* All of these functions fail the test if they cannot do their work. */

sss_engine_t *engine_for(const sss_address_t *servers,
    const uint32_t *weights, size_t n, unsigned timeout_ms, unsigned queue,
    unsigned breaker);

/* Copies the addresses of both servers. */
void both(const fixture_t *f, sss_address_t *servers);

/* Returns a different name for each number. */
const char *name_of(unsigned i);

/*
 * Begins a lookup.  Its ticket, a number that grows, tells it from others; 0:
 * it was not queued.
 */
sss_engine_queue_t try(sss_engine_t *engine, const char *name, int take,
    uint64_t *ticket);
uint64_t ask(sss_engine_t *engine, const char *name, int take);
uint64_t ticket_of(const sss_engine_result_t *r);
void put(sss_engine_t *engine, const char *name, const char *value);

/* Waits for the next result. */
sss_engine_result_t result(sss_engine_t *engine);

/* Runs the engine for so long. */
void run(sss_engine_t *engine, unsigned ms);

/*
 * Looks a name up and waits for the result; a hit must have this value, unless
 * it is NULL.
 */
sss_engine_rc_t look(sss_engine_t *engine, const char *name, int take,
    const char *value);

/* Looks a name up until the result is this one. */
void until_rc(sss_engine_t *engine, const char *name, sss_engine_rc_t rc);

/* Looks the first so many names up until none fails. */
void until_answered(sss_engine_t *engine, unsigned names);

/* Looks a name up, which must fail each time, until the breaker opens. */
void until_open(sss_engine_t *engine, const char *name);

sss_engine_stats_t stats(sss_engine_t *engine);

/* Returns the number of records on a server. */
unsigned long items(const memcached_t *memcached);


#endif /* ENGINE_H_INCLUDED */
