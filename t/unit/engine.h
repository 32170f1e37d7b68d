
/* Engines for the unit tests, and the memcached servers they use. */


#ifndef ENGINE_H_INCLUDED
#define ENGINE_H_INCLUDED


#include "unit.h"

#include "memcached.h"
#include "sss_engine.h"


#define NAME     "sss1:0123456789012345678901234567890123456789"
#define OTHER    "sss1:9876543210987654321098765432109876543210"
#define NEVER    50

/* A timeout that never passes while all is well, and one that is to pass. */
#define PATIENT  20000
#define TIMEOUT  100

/* What nothing may take: far more than what is promised. */
#define LONG     40000


/* The engine uses the first, patiently. */

typedef struct {
    memcached_t    memcached[2];
    sss_engine_t  *engine;
} fixture_t;


int engine_setup(void **state);
int engine_teardown(void **state);

#define with_servers(test)                                                    \
    cmocka_unit_test_setup_teardown(test, engine_setup, engine_teardown)


/* All of these fail the test where they cannot do what they are for. */

sss_engine_t *engine_for(const sss_address_t *servers,
    const uint32_t *weights, size_t n, unsigned timeout_ms, unsigned queue,
    unsigned breaker);

/* The addresses of both servers. */
void both(const fixture_t *f, sss_address_t *servers);

/* A different one for each number. */
const char *name_of(unsigned i);

/* Tickets tell lookups apart, and grow; 0: it was not queued. */
sss_engine_queue_t try(sss_engine_t *engine, const char *name, int take,
    uint64_t *ticket);
uint64_t ask(sss_engine_t *engine, const char *name, int take);
uint64_t ticket_of(const sss_engine_result_t *r);
void put(sss_engine_t *engine, const char *name, const char *value);

/* Waits for the next one. */
sss_engine_result_t result(sss_engine_t *engine);

/* Lets the engine work for a while. */
void run(sss_engine_t *engine, unsigned ms);

/* Asks and waits; a hit has this value, unless it is NULL. */
sss_engine_rc_t look(sss_engine_t *engine, const char *name, int take,
    const char *value);

/* Lookups until one has this result. */
void until_rc(sss_engine_t *engine, const char *name, sss_engine_rc_t rc);

/* Lookups of the first so many names until none fails. */
void until_answered(sss_engine_t *engine, unsigned names);

/* Lookups, all of which fail, until the breaker opens. */
void until_open(sss_engine_t *engine, const char *name);

sss_engine_stats_t stats(sss_engine_t *engine);

/* How many records a server has. */
unsigned long items(const memcached_t *memcached);


#endif /* ENGINE_H_INCLUDED */
