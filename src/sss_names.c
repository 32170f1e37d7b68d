
#include <stdlib.h>
#include <string.h>

#include "sss_names.h"
#include "sss_request.h"
#include "sss_resolve.h"


#define SSS_NAMES_AGAIN    30000000     /* us between two queries of a name */
#define SSS_NAMES_SOON     2000000      /* us from a server's failure to the
                                           next query                      */
#define SSS_NAMES_PATIENT  500000       /* us that a first poll waits for the
                                           resolver                        */


typedef struct {
    sss_address_t    address;
    uint32_t         weight;
    int              name;              /* 0: an address or a path         */
    sss_resolve_t   *resolve;           /* the query under way, or NULL    */
    uint64_t         asked;             /* when the last query began       */
    uint64_t         due;               /* when the next one is to begin   */
    int              answered;          /* 1: the resolver has answered    */
    const char      *error;             /* of the last answer, or NULL     */
    sss_resolved_t   found;             /* the last addresses              */
} sss_line_t;


struct sss_names_s {
    size_t         n;                   /* directives                      */
    int            wake;
    uint64_t       begun;               /* when the list was created       */
    uint32_t       last_id;
    sss_line_t     line[SSS_SERVERS_MAX];
    sss_server_t   servers[SSS_SERVERS_MAX];
    size_t         n_wanted;
    sss_server_t   wanted[SSS_SERVERS_MAX];
};


static void sss_names_remember(sss_names_t *names, const sss_known_t *known);
static int sss_names_ask(sss_names_t *names, size_t i, uint64_t now);
static int sss_names_answer(sss_names_t *names, size_t i, uint64_t now);
static int sss_names_plan(sss_names_t *names);
static void sss_names_want_all(sss_names_t *names);
static void sss_names_want(sss_names_t *names, size_t i,
    const sss_address_t *address, const char *error);
static sss_server_t *sss_names_find(sss_server_t *servers, size_t n,
    const sss_server_t *server);


sss_names_t *
sss_names_create(const sss_address_t *lines, const uint32_t *weights,
    const sss_known_t *known, size_t n, int wake)
{
    size_t                    i;
    sss_names_t              *names;
    struct sockaddr_storage   ss;

    if (n > SSS_SERVERS_MAX) {
        return NULL;
    }

    names = calloc(1, sizeof(sss_names_t));
    if (names == NULL) {
        return NULL;
    }

    names->n = n;
    names->wake = wake;
    names->begun = sss_request_clock();

    for (i = 0; i < n; i++) {
        names->line[i].address = lines[i];
        names->line[i].weight = weights ? weights[i] : 1;
        names->line[i].name = lines[i].port != 0
                              && sss_resolve_number(&lines[i], &ss) == 0;
    }

    for (i = 0; known != NULL && i < SSS_SERVERS_MAX; i++) {
        sss_names_remember(names, &known[i]);
    }

    (void) sss_names_plan(names);

    return names;
}


void
sss_names_destroy(sss_names_t *names)
{
    size_t  i;

    if (names == NULL) {
        return;
    }

    for (i = 0; i < names->n; i++) {
        sss_resolve_free(names->line[i].resolve);
    }

    free(names);
}


const sss_server_t *
sss_names_servers(const sss_names_t *names)
{
    return names->servers;
}


int
sss_names_check(sss_names_t *names, uint64_t now)
{
    int     changed;
    size_t  i;

    changed = 0;

    for (i = 0; i < names->n; i++) {

        if (!names->line[i].name) {
            continue;
        }

        if (names->line[i].resolve == NULL && names->line[i].due <= now) {
            changed |= sss_names_ask(names, i, now);
        }

        if (names->line[i].resolve != NULL) {
            changed |= sss_names_answer(names, i, now);
        }
    }

    return changed ? sss_names_plan(names) : 0;
}


uint64_t
sss_names_due(const sss_names_t *names)
{
    size_t             i;
    uint64_t           due, next;
    const sss_line_t  *line;

    due = UINT64_MAX;

    for (i = 0; i < names->n; i++) {
        line = &names->line[i];

        if (!line->name) {
            continue;
        }

        next = line->due;

        /* no need to call again for an answer: the eventfd tells of it */

        if (line->resolve != NULL) {
            next = line->error == NULL ? line->asked + SSS_NAMES_PATIENT
                                       : UINT64_MAX;
        }

        if (next < due) {
            due = next;
        }
    }

    return due;
}


void
sss_names_failed(sss_names_t *names, size_t i)
{
    sss_line_t  *line;

    line = &names->line[names->servers[i].line];

    if (names->servers[i].named && line->due > line->asked + SSS_NAMES_SOON) {
        line->due = line->asked + SSS_NAMES_SOON;
    }
}


int
sss_names_settled(const sss_names_t *names, uint64_t now)
{
    size_t  i;

    for (i = 0; i < names->n; i++) {
        if (names->line[i].name && !names->line[i].answered) {
            return now >= names->begun + SSS_NAMES_PATIENT;
        }
    }

    return 1;
}


/*
 * Takes an address that was known before.  It is left out if its directive has
 * no name any more, or if it is no numeric address.
 */

static void
sss_names_remember(sss_names_t *names, const sss_known_t *known)
{
    sss_line_t               *line;
    struct sockaddr_storage   ss;

    if (known->line >= names->n) {
        return;
    }

    line = &names->line[known->line];

    if (line->name && line->found.n < SSS_RESOLVE_MAX
        && known->address.port == line->address.port
        && sss_resolve_number(&known->address, &ss) != 0)
    {
        line->found.address[line->found.n++] = known->address;
        line->answered = 1;
    }
}


/* Begins a query.  Returns 1 if that has failed and is to be reported. */

static int
sss_names_ask(sss_names_t *names, size_t i, uint64_t now)
{
    sss_line_t  *line;

    line = &names->line[i];

    line->asked = now;
    line->due = now + SSS_NAMES_AGAIN;
    line->resolve = sss_resolve_start(&line->address, names->wake);

    if (line->resolve == NULL) {
        line->due = now + SSS_NAMES_SOON;
        line->error = "no thread could be started";
        return 1;
    }

    return 0;
}


static int
sss_names_answer(sss_names_t *names, size_t i, uint64_t now)
{
    sss_line_t      *line;
    sss_resolved_t   found;

    line = &names->line[i];

    if (!sss_resolve_done(line->resolve, &found)) {

        if (line->error == NULL && now >= line->asked + SSS_NAMES_PATIENT) {
            line->error = "the resolver does not answer";
            return 1;
        }

        return 0;
    }

    sss_resolve_free(line->resolve);

    line->resolve = NULL;
    line->answered = 1;

    if (found.n == 0) {
        line->due = now + SSS_NAMES_SOON;
        line->error = "the name could not be resolved";
        return 1;
    }

    line->error = NULL;
    line->found = found;

    return 1;
}


/*
 * Makes the list of servers anew from the addresses that there are now.  A
 * server that is in it still keeps its place.  Returns 1 if anything changed.
 */

static int
sss_names_plan(sss_names_t *names)
{
    int            changed;
    size_t         i, k;
    sss_server_t  *server;

    sss_names_want_all(names);

    changed = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        server = &names->servers[i];

        if (server->id != 0
            && sss_names_find(names->wanted, names->n_wanted, server) == NULL)
        {
            memset(server, 0, sizeof(sss_server_t));
            changed = 1;
        }
    }

    for (k = 0; k < names->n_wanted; k++) {

        if (sss_names_find(names->servers, SSS_SERVERS_MAX,
                           &names->wanted[k])
            != NULL)
        {
            continue;
        }

        for (i = 0; names->servers[i].id != 0; i++) { /* void */ }

        names->servers[i] = names->wanted[k];
        names->servers[i].id = ++names->last_id;
        changed = 1;
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        server = &names->servers[i];

        if (server->id != 0 && server->error == NULL) {
            server->stale = names->line[server->line].error;
        }
    }

    return changed;
}


static void
sss_names_want_all(sss_names_t *names)
{
    size_t       i, k;
    sss_line_t  *line;

    names->n_wanted = 0;

    for (i = 0; i < names->n; i++) {
        line = &names->line[i];

        if (!line->name) {
            sss_names_want(names, i, &line->address, NULL);
            continue;
        }

        for (k = 0; k < line->found.n; k++) {
            sss_names_want(names, i, &line->found.address[k], NULL);
        }

        if (line->found.n == 0 && line->error != NULL) {
            sss_names_want(names, i, &line->address, line->error);
        }
    }
}


/* If two directives lead to the same address, it is a server of the first. */

static void
sss_names_want(sss_names_t *names, size_t i, const sss_address_t *address,
    const char *error)
{
    size_t         k;
    sss_server_t  *server;

    for (k = 0; k < names->n_wanted; k++) {
        server = &names->wanted[k];

        if (server->address.port == address->port
            && strcmp(server->address.host, address->host) == 0)
        {
            return;
        }
    }

    if (names->n_wanted == SSS_SERVERS_MAX) {
        return;
    }

    server = &names->wanted[names->n_wanted++];

    memset(server, 0, sizeof(sss_server_t));
    server->id = 1;
    server->line = (uint32_t) i;
    server->weight = names->line[i].weight;
    server->named = (unsigned) (names->line[i].name & 1);
    server->error = error;
    server->address = *address;
    server->host = names->line[i].address.host;
}


static sss_server_t *
sss_names_find(sss_server_t *servers, size_t n, const sss_server_t *server)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (servers[i].id != 0
            && servers[i].line == server->line
            && servers[i].error == server->error
            && servers[i].address.port == server->address.port
            && strcmp(servers[i].address.host, server->address.host) == 0)
        {
            return &servers[i];
        }
    }

    return NULL;
}
