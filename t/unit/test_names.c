
#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* RTLD_NEXT */
#endif

/* Names that have several addresses, which come and go. */


#include "unit.h"

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "memcached.h"
#include "sss_names.h"
#include "sss_request.h"
#include "sss_spread.h"


#define LONG    40000
#define FLEET   "fleet.test"
#define OTHER   "other.test"
#define SECOND  1000000u

typedef int (*getaddrinfo_pt) (const char *, const char *,
    const struct addrinfo *, struct addrinfo **);


/* The resolver's answer: addresses with blanks between; NULL: it fails. */

static _Atomic(const char *)  answer;
static atomic_uint            asked;
static atomic_int             slow;     /* 1: it does not answer           */


int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
    char               word[64];
    int                n, rc;
    const char        *p;
    getaddrinfo_pt     real;
    struct addrinfo  **next;

    *(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");

    if (strcmp(node, FLEET) != 0 && strcmp(node, OTHER) != 0) {
        return real(node, service, hints, res);
    }

    asked++;

    while (atomic_load(&slow)) {
        unit_pause(5);
    }

    p = answer;
    next = res;
    *res = NULL;

    if (p == NULL) {
        return EAI_NONAME;
    }

    for ( /* void */ ; sscanf(p, " %63s%n", word, &n) == 1; p += n) {

        rc = real(word, service, hints, next);
        if (rc != 0) {
            return rc;
        }

        next = &(*next)->ai_next;
    }

    return 0;
}


typedef struct {
    int           wake;
    sss_names_t  *names;
    uint64_t      now;
} fixture_t;


static const sss_known_t  *known;


static void
begin(fixture_t *f, const char *first, const char *second)
{
    size_t         n;
    sss_address_t  lines[2];

    memset(lines, 0, sizeof(lines));
    lines[0].port = lines[1].port = 11211;

    snprintf(lines[0].host, sizeof(lines[0].host), "%s", first);
    n = 1;

    if (second != NULL) {
        snprintf(lines[1].host, sizeof(lines[1].host), "%s", second);
        n = 2;
    }

    asked = 0;

    f->wake = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    f->names = sss_names_create(lines, NULL, known, n, f->wake);
    f->now = sss_request_clock();
    assert_non_null(f->names);
}


static void
end(fixture_t *f)
{
    sss_names_destroy(f->names);
    close(f->wake);
}


/* Waits until the resolver has answered. */

static void
heard(fixture_t *f, unsigned count)
{
    uint64_t  begun, n;

    begun = unit_clock_ms();

    for (n = 0; n < count; ) {
        uint64_t  more;

        if (read(f->wake, &more, sizeof(more)) == sizeof(more)) {
            n += more;
        }

        assert_in_range(unit_clock_ms() - begun, 0, LONG);
        unit_pause(1);
    }
}


/* Begins a query, and takes its answer. */

static int
resolve(fixture_t *f)
{
    int  changed;

    changed = sss_names_check(f->names, f->now);
    heard(f, 1);

    return changed | sss_names_check(f->names, f->now);
}


static int
has(const fixture_t *f, const char *host, uint32_t *id)
{
    size_t               i;
    const sss_server_t  *server;

    server = sss_names_servers(f->names);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (server[i].id != 0 && server[i].error == NULL
            && strcmp(server[i].address.host, host) == 0)
        {
            *id = server[i].id;
            return 1;
        }
    }

    return 0;
}


static size_t
count(const fixture_t *f)
{
    size_t               i, n;
    const sss_server_t  *server;

    server = sss_names_servers(f->names);

    for (i = n = 0; i < SSS_SERVERS_MAX; i++) {
        n += (server[i].id != 0);
    }

    return n;
}


/* Numeric addresses are there at once, without a query. */

static void
test_numbers(void **state)
{
    uint32_t   id;
    fixture_t  f;

    (void) state;

    begin(&f, "127.0.0.1", "::1");

    assert_int_equal(count(&f), 2);
    assert_true(has(&f, "127.0.0.1", &id) && has(&f, "::1", &id));
    assert_int_equal(sss_names_settled(f.names, f.now), 1);
    assert_int_equal(sss_names_check(f.names, f.now), 0);
    assert_true(sss_names_due(f.names) == UINT64_MAX);

    end(&f);
}


static void
test_come_and_go(void **state)
{
    uint32_t   id[4], again;
    fixture_t  f;

    (void) state;

    answer = "10.0.0.3 fd00::1 10.0.0.1 10.0.0.3";
    begin(&f, FLEET, "10.0.0.9");

    assert_int_equal(count(&f), 1);
    assert_int_equal(sss_names_settled(f.names, f.now), 0);
    assert_int_equal(resolve(&f), 1);
    assert_int_equal(sss_names_settled(f.names, f.now), 1);
    assert_int_equal(count(&f), 4);
    assert_true(has(&f, "10.0.0.1", &id[0]) && has(&f, "10.0.0.3", &id[1])
                && has(&f, "fd00::1", &id[2]) && has(&f, "10.0.0.9", &id[3]));

    /* the next query is after half a minute, not before */

    assert_true(sss_names_due(f.names) == f.now + 30 * SECOND);
    assert_int_equal(sss_names_check(f.names, f.now + 29 * SECOND), 0);
    assert_int_equal(asked, 1);

    answer = "10.0.0.1 10.0.0.4 10.0.0.9";
    f.now += 30 * SECOND;
    assert_int_equal(resolve(&f), 1);

    /*
     * a server that stays keeps its place; an address of two lines is one
     * server
     */

    assert_int_equal(count(&f), 3);
    assert_true(has(&f, "10.0.0.1", &again) && again == id[0]);
    assert_true(has(&f, "10.0.0.4", &again));
    assert_int_not_equal(again, id[1]);
    assert_int_not_equal(again, id[2]);
    assert_true(has(&f, "10.0.0.9", &again));
    assert_false(has(&f, "10.0.0.3", &again));

    /* the same addresses in another order change nothing */

    answer = "10.0.0.9 10.0.0.4 10.0.0.1";
    f.now += 30 * SECOND;
    assert_int_equal(resolve(&f), 0);

    /* if the resolver fails the servers stay, and the next query is soon */

    answer = NULL;
    f.now += 30 * SECOND;
    assert_int_equal(resolve(&f), 0);
    assert_int_equal(count(&f), 3);
    assert_true(sss_names_due(f.names) == f.now + 2 * SECOND);

    end(&f);
}


static void
test_failed_server(void **state)
{
    size_t     i;
    fixture_t  f;

    (void) state;

    answer = "10.0.0.1";
    begin(&f, FLEET, "10.0.0.9");
    (void) resolve(&f);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (sss_names_servers(f.names)[i].id != 0
            && !sss_names_servers(f.names)[i].named)
        {
            sss_names_failed(f.names, i);
        }
    }

    assert_true(sss_names_due(f.names) == f.now + 30 * SECOND);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (sss_names_servers(f.names)[i].named) {
            sss_names_failed(f.names, i);
        }
    }

    assert_true(sss_names_due(f.names) == f.now + 2 * SECOND);

    end(&f);
}


/* A name without addresses is reported, and other servers are not affected. */

static void
test_unknown_name(void **state)
{
    size_t               i;
    fixture_t            f;
    const sss_server_t  *server;

    (void) state;

    answer = NULL;
    begin(&f, FLEET, NULL);
    assert_int_equal(resolve(&f), 1);
    assert_int_equal(sss_names_settled(f.names, f.now), 1);
    assert_int_equal(count(&f), 1);

    server = sss_names_servers(f.names);

    for (i = 0; server[i].id == 0; i++) { /* void */ }

    assert_string_equal(server[i].error, "the name could not be resolved");
    assert_string_equal(server[i].address.host, FLEET);

    answer = "10.0.0.1 10.0.0.2";
    f.now += 2 * SECOND;
    assert_int_equal(resolve(&f), 1);
    assert_int_equal(count(&f), 2);

    end(&f);
}


/*
 * A resolver that does not answer is reported as such, and nothing waits for
 * it.
 */

static void
test_silent_resolver(void **state)
{
    size_t               i;
    uint32_t             id;
    fixture_t            f;
    const sss_server_t  *server;

    (void) state;

    atomic_store(&slow, 1);
    answer = "10.0.0.1";
    begin(&f, FLEET, NULL);

    assert_int_equal(sss_names_check(f.names, f.now), 0);
    assert_in_range(sss_names_due(f.names) - f.now, 0, SECOND / 2);
    assert_int_equal(sss_names_settled(f.names, f.now), 0);

    f.now += SECOND;
    assert_int_equal(sss_names_check(f.names, f.now), 1);
    assert_int_equal(sss_names_settled(f.names, f.now), 1);
    assert_true(sss_names_due(f.names) == UINT64_MAX);

    server = sss_names_servers(f.names);

    for (i = 0; server[i].id == 0; i++) { /* void */ }

    assert_string_equal(server[i].error, "the resolver does not answer");

    atomic_store(&slow, 0);
    heard(&f, 1);
    assert_int_equal(sss_names_check(f.names, f.now), 1);
    assert_true(has(&f, "10.0.0.1", &id));
    assert_int_equal(asked, 1);

    /* later the address stays, and the report says that it may be outdated */

    for (i = 0; server[i].id != id; i++) { /* void */ }

    atomic_store(&slow, 1);
    f.now += 30 * SECOND;
    assert_int_equal(sss_names_check(f.names, f.now), 0);
    assert_null(server[i].stale);

    f.now += SECOND;
    assert_int_equal(sss_names_check(f.names, f.now), 0);
    assert_int_equal(server[i].id, id);
    assert_null(server[i].error);
    assert_string_equal(server[i].stale, "the resolver does not answer");

    atomic_store(&slow, 0);
    heard(&f, 1);
    assert_int_equal(sss_names_check(f.names, f.now), 0);
    assert_null(server[i].stale);

    end(&f);
}


/* A name has its former addresses until the resolver answers. */

static void
test_known(void **state)
{
    size_t        i;
    uint32_t      id, same;
    fixture_t     f;
    sss_known_t   lately[SSS_SERVERS_MAX];

    (void) state;

    memset(lately, 0, sizeof(lately));

    for (i = 0; i < 7; i++) {
        lately[i].address.port = 11211;
        snprintf(lately[i].address.host, sizeof(lately[i].address.host),
                 "10.0.0.%zu", i + 1);
    }

    /* none of these is an address of the name */

    lately[2].line = 1;
    lately[3].line = 2;
    lately[4].address.port = 11212;
    strcpy(lately[5].address.host, FLEET);
    lately[6].address.host[0] = '\0';

    atomic_store(&slow, 1);
    answer = "10.0.0.2 10.0.0.9";
    known = lately;
    begin(&f, FLEET, "192.0.2.1");
    known = NULL;

    assert_int_equal(sss_names_settled(f.names, f.now), 1);
    assert_int_equal(count(&f), 3);
    assert_true(has(&f, "10.0.0.1", &id));
    assert_true(has(&f, "10.0.0.2", &id));
    assert_true(has(&f, "192.0.2.1", &same));

    assert_int_equal(sss_names_check(f.names, f.now), 0);
    atomic_store(&slow, 0);
    heard(&f, 1);
    assert_int_equal(sss_names_check(f.names, f.now), 1);
    assert_int_equal(count(&f), 3);
    assert_false(has(&f, "10.0.0.1", &same));
    assert_true(has(&f, "10.0.0.9", &same));
    assert_true(has(&f, "10.0.0.2", &same));
    assert_int_equal(id, same);

    end(&f);
}


/* If there are too many addresses every host uses the same ones. */

static void
test_many(void **state)
{
    char       forward[1024], backward[1024];
    int        i, n, m;
    uint32_t   id;
    fixture_t  a, b;

    (void) state;

    for (i = n = m = 0; i < 40; i++) {
        n += sprintf(forward + n, " 10.0.0.%d", i + 1);
        m += sprintf(backward + m, " 10.0.0.%d", 40 - i);
    }

    answer = forward;
    begin(&a, FLEET, NULL);
    (void) resolve(&a);

    answer = backward;
    begin(&b, FLEET, NULL);
    (void) resolve(&b);

    assert_int_equal(count(&a), SSS_SERVERS_MAX);
    assert_int_equal(count(&b), SSS_SERVERS_MAX);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        assert_true(has(&b, sss_names_servers(a.names)[i].address.host,
                        &id));
    }

    end(&a);
    end(&b);
}


/*
 * The address of a record's server, for a host that has servers in this order.
 */

static const char *
place(sss_spread_t *spread, const sss_server_t *servers, uint32_t usable,
    unsigned record)
{
    char  name[64];

    snprintf(name, sizeof(name), "sss1:%040u", record);

    return servers[sss_spread_find(spread, usable, name)].address.host;
}


static void
test_spread(void **state)
{
    size_t         i, k, moved;
    unsigned       record;
    const char    *before, *after;
    sss_server_t   one[SSS_SERVERS_MAX], two[SSS_SERVERS_MAX];
    sss_spread_t  *a, *b;

    (void) state;

    memset(one, 0, sizeof(one));
    memset(two, 0, sizeof(two));

    for (i = 0; i < 5; i++) {
        k = 4 - i + 7;
        one[i].id = two[k].id = (uint32_t) i + 1;
        one[i].weight = two[k].weight = 1;
        one[i].address.port = two[k].address.port = 11211;
        snprintf(one[i].address.host, sizeof(one[i].address.host),
                 "10.0.0.%zu", i + 1);
        two[k].address = one[i].address;
    }

    a = sss_spread_create(one);
    b = sss_spread_create(two);
    assert_non_null(a);
    assert_non_null(b);

    for (record = moved = 0; record < 5000; record++) {
        before = place(a, one, 0x1f, record);
        assert_string_equal(before, place(b, two, 0x1f << 7, record));
    }

    /* when a server is added, only its share of the records moves, to it */

    for (record = moved = 0; record < 5000; record++) {
        before = place(a, one, 0xf, record);
        after = place(b, two, 0x1f << 7, record);

        if (strcmp(before, after) != 0) {
            assert_string_equal(after, "10.0.0.5");
            moved++;
        }
    }

    assert_in_range(moved, 5000 / 5 / 2, 5000 / 5 * 2);

    sss_spread_destroy(a);
    sss_spread_destroy(b);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_come_and_go),
        cmocka_unit_test(test_failed_server),
        cmocka_unit_test(test_unknown_name),
        cmocka_unit_test(test_silent_resolver),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
