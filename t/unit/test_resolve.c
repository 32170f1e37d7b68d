
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* RTLD_NEXT */
#endif

/*
 * The engine and a server with a name.  The name is resolved again after a
 * failure, so that the server may move; and the resolver may fail.
 */


#include "engine.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>


#define NOMADIC  "nomad.test"

typedef int (*getaddrinfo_pt) (const char *, const char *,
    const struct addrinfo *, struct addrinfo **);


/*
 * The address of the name, NULL: it does not resolve; and the number of
 * queries.
 */

static _Atomic(const char *)  place;
static atomic_uint            asked;

/* Set if a thread that resolves has a signal unblocked. */

static atomic_uint            signalled;


/* Replaces the C library's function for one name. */

int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
    sigset_t         mask;
    const char      *where;
    getaddrinfo_pt   real;

    *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");

    if (node != NULL && strcmp(node, NOMADIC) == 0) {

        pthread_sigmask(SIG_SETMASK, NULL, &mask);

        signalled += (sigismember(&mask, SIGTERM) != 1
                      || sigismember(&mask, SIGHUP) != 1
                      || sigismember(&mask, SIGCHLD) != 1
                      || sigismember(&mask, SIGIO) != 1);

        asked++;
        where = place;

        if (where == NULL) {
            return EAI_AGAIN;
        }

        node = where;
    }

    return real(node, service, hints, res);
}


/* A second server on the port of the first, at another address. */

static int
elsewhere(fixture_t *f)
{
    memcached_stop(&f->memcached[1]);

    f->memcached[1].address = f->memcached[0].address;
    snprintf(f->memcached[1].address.host,
             sizeof(f->memcached[1].address.host), "127.0.0.2");

    return memcached_restart(&f->memcached[1]);
}


static sss_engine_t *
nomad(const fixture_t *f, const char *where)
{
    sss_address_t  address;

    address = f->memcached[0].address;
    snprintf(address.host, sizeof(address.host), NOMADIC);

    place = where;
    asked = 0;

    return engine_for(&address, NULL, 1, TIMEOUT, 100, NEVER);
}


/* A store and a lookup; the breaker may be open. */

static sss_engine_rc_t
attempt(sss_engine_t *engine)
{
    uint64_t             ticket;
    sss_engine_result_t  r;

    (void) sss_engine_put(engine, NAME, (const uint8_t *) "value", 5, 60);

    if (try(engine, NAME, 0, &ticket) != SSS_ENGINE_QUEUED) {
        run(engine, 10);
        return SSS_ENGINE_FAILED;
    }

    r = result(engine);
    free(r.value);

    return r.rc;
}


/* Stores a record until it is found there. */

static void
until_stored(sss_engine_t *engine, const memcached_t *memcached)
{
    uint64_t  begin;

    begin = unit_clock_ms();

    while (attempt(engine) != SSS_ENGINE_HIT || items(memcached) == 0) {
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    }
}


/* An engine that has resolved the name to the first of two addresses. */

static sss_engine_t *
settled(fixture_t *f)
{
    sss_engine_t  *engine;

    assert_int_equal(elsewhere(f), 0);

    engine = nomad(f, f->memcached[0].address.host);
    until_stored(engine, &f->memcached[0]);

    return engine;
}


/* No signal of the process is delivered to a thread that resolves a name. */

static void
test_gets_no_signals(void **state)
{
    sigset_t       before, after;
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;

    pthread_sigmask(SIG_SETMASK, NULL, &before);

    signalled = 0;
    engine = settled(f);
    assert_in_range(asked, 1, 1000);
    assert_int_equal(signalled, 0);

    /* the signal mask of the caller is unchanged */

    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGTERM),
                     sigismember(&before, SIGTERM));

    sss_engine_destroy(engine, LONG);
}


static void
test_moved(void **state)
{
    unsigned       before;
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;
    engine = settled(f);
    assert_int_equal(items(&f->memcached[1]), 0);

    /*
     * the name has another address now, but while all is well it is not
     * resolved
     */

    before = asked;
    place = f->memcached[1].address.host;

    assert_int_equal(attempt(engine), SSS_ENGINE_HIT);
    assert_int_equal(asked, before);

    memcached_stop(&f->memcached[0]);
    until_stored(engine, &f->memcached[1]);
    assert_in_range(asked, before + 1, 1000);

    sss_engine_destroy(engine, LONG);
}


static void
test_moved_from_a_frozen_one(void **state)
{
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;
    engine = settled(f);

    place = f->memcached[1].address.host;
    memcached_freeze(&f->memcached[0]);

    until_stored(engine, &f->memcached[1]);

    sss_engine_destroy(engine, LONG);
    memcached_thaw(&f->memcached[0]);
}


static void
test_resolver_fails(void **state)
{
    uint64_t       begin;
    fixture_t     *f;
    sss_engine_t  *engine;

    f = *state;

    engine = nomad(f, NULL);

    until_open(engine, NAME);

    begin = unit_clock_ms();

    while (asked < 3) {
        assert_int_equal(attempt(engine), SSS_ENGINE_FAILED);
        assert_in_range(unit_clock_ms() - begin, 0, LONG);
    }

    place = f->memcached[0].address.host;
    until_stored(engine, &f->memcached[0]);

    sss_engine_destroy(engine, LONG);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        with_servers(test_gets_no_signals),
        with_servers(test_moved),
        with_servers(test_moved_from_a_frozen_one),
        with_servers(test_resolver_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
