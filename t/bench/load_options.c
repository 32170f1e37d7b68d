
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"


static int load_set(load_options_t *o, int option, char *value);
static int load_check(load_options_t *o);
static int load_each(load_options_t *o, int option, char *value);
static int load_address(load_addresses_t *list, char *text);


static const struct option  load_names[] = {
    { "open",       required_argument, NULL, 'o' },
    { "redeem",     required_argument, NULL, 'r' },
    { "name",       required_argument, NULL, 's' },
    { "pid",        required_argument, NULL, 'p' },
    { "freeze",     required_argument, NULL, 'f' },
    { "between",    required_argument, NULL, 'b' },
    { "tls",        required_argument, NULL, 't' },
    { "mode",       required_argument, NULL, 'm' },
    { "handshakes", required_argument, NULL, 'n' },
    { "sessions",   required_argument, NULL, 'S' },
    { "in-flight",  required_argument, NULL, 'c' },
    { "rate",       required_argument, NULL, 'R' },
    { "request",    required_argument, NULL, 'q' },
    { "patience",   required_argument, NULL, 'P' },
    { "time",       required_argument, NULL, 'T' },
    { "steps",      no_argument,       NULL, 'i' },
    { NULL,         0,                 NULL, 0   }
};


const char  *load_modes[LOAD_MODES] = {
    "full", "ticket", "id", "full-id", "forged", "early", "late"
};


static const char  load_usage[] =
    "usage: load --open ADDRESS,... [options]\n"
    "\n"
    "  --open ADDRESS,...    host:port where sessions are opened\n"
    "  --redeem ADDRESS,...  where they are redeemed (default: --open)\n"
    "  --name NAME,...       server names to ask for (default: none)\n"
    "  --pid PID,...         processes whose CPU is counted\n"
    "  --between COMMAND     run when the sessions are open\n"
    "  --tls 1.2|1.3         (1.3)\n"
    "  --freeze PID,...      processes stopped while it is counted\n"
    "  --mode full|ticket|id|full-id|forged|early|late\n"
    "                        what is offered (full)\n"
    "  --handshakes N        to measure (1000)\n"
    "  --sessions N          to open (as many as handshakes: each is\n"
    "                        redeemed once)\n"
    "  --in-flight N         connections at a time (8)\n"
    "  --rate N              handshakes started a second, at most, but for\n"
    "                        those that open sessions\n"
    "  --request PATH        ask for this by HTTP/1.0\n"
    "  --patience SECONDS    with one connection (10)\n"
    "  --time SECONDS        for everything (60)\n"
    "  --steps               measure as many handshakes at a time as a line\n"
    "                        of the input says, and print each time\n";


int
load_options(load_options_t *o, int argc, char **argv)
{
    int  option;

    memset(o, 0, sizeof(load_options_t));

    o->version = TLS1_3_VERSION;
    o->handshakes = 1000;
    o->in_flight = 8;
    o->patience = 10;
    o->time = 60;

    for ( ;; ) {
        option = getopt_long(argc, argv, "", load_names, NULL);

        if (option == -1) {
            break;
        }

        if (option == '?') {
            (void) fputs(load_usage, stderr);
            return -1;
        }

        if (load_set(o, option, optarg) == -1) {
            (void) fprintf(stderr, "load: invalid value \"%s\"\n", optarg);
            return -1;
        }
    }

    if (optind != argc || load_check(o) == -1) {
        (void) fputs(load_usage, stderr);
        return -1;
    }

    return 0;
}


static int
load_check(load_options_t *o)
{
    if (o->open.n == 0) {
        return -1;
    }

    if (o->redeem.n == 0) {
        o->redeem = o->open;
    }

    if (o->sessions == 0 || o->sessions > o->handshakes) {
        o->sessions = o->handshakes;
    }

    return 0;
}


static int
load_set(load_options_t *o, int option, char *value)
{
    int          rc;
    size_t       i;
    double       number;

    rc = 0;

    switch (option) {

    case 't':
        o->version = strcmp(value, "1.2") ? TLS1_3_VERSION : TLS1_2_VERSION;
        return strcmp(value, "1.2") && strcmp(value, "1.3") ? -1 : 0;

    case 'm':
        for (i = 0; i < LOAD_MODES; i++) {
            if (strcmp(value, load_modes[i]) == 0) {
                o->mode = (load_mode_t) i;
                return 0;
            }
        }

        return -1;

    case 'q':
        o->request = value;
        return strpbrk(value, " \r\n") ? -1 : 0;

    case 'b':
        o->between = value;
        break;

    case 'i':
        o->steps = 1;
        break;

    case 'n':
        rc = load_number(value, 1, 1e8, &number);
        o->handshakes = (uint64_t) number;
        break;

    case 'S':
        rc = load_number(value, 1, 1e8, &number);
        o->sessions = (uint64_t) number;
        break;

    case 'c':
        rc = load_number(value, 1, 65536, &number);
        o->in_flight = (unsigned) number;
        break;

    case 'R':
        rc = load_number(value, 0.001, 1e9, &o->rate);
        break;

    case 'P':
        rc = load_number(value, 0.001, 86400, &o->patience);
        break;

    case 'T':
        rc = load_number(value, 0.001, 86400 * 30, &o->time);
        break;

    default:
        rc = load_each(o, option, value);
    }

    return rc;
}


/* The options that take a list. */

static int
load_each(load_options_t *o, int option, char *value)
{
    int      rc;
    char    *item, *rest;
    pid_t   *pids;
    double   number;
    size_t  *n;

    rc = 0;
    rest = value;

    for (item = strsep(&rest, ",");
         item != NULL && rc == 0;
         item = strsep(&rest, ","))
    {
        if (option == 'o') {
            rc = load_address(&o->open, item);

        } else if (option == 'r') {
            rc = load_address(&o->redeem, item);

        } else if (option == 's') {

            if (o->n_names == LOAD_LIST_MAX || *item == '\0') {
                return -1;
            }

            o->names[o->n_names++] = item;

        } else {

            n = option == 'p' ? &o->n_pids : &o->n_freeze;

            if (*n == LOAD_LIST_MAX
                || load_number(item, 1, INT_MAX, &number) == -1)
            {
                return -1;
            }

            pids = option == 'p' ? o->pids : o->freeze;
            pids[(*n)++] = (pid_t) number;
        }
    }

    return rc;
}


static int
load_address(load_addresses_t *list, char *text)
{
    char             *port;
    load_address_t   *address;
    struct addrinfo   hints, *found;

    port = strrchr(text, ':');

    if (port == NULL || list->n == LOAD_LIST_MAX) {
        return -1;
    }

    *port++ = '\0';

    if (text[0] == '[' && port - text > 3 && port[-2] == ']') {
        port[-2] = '\0';
        text++;
    }

    memset(&hints, 0, sizeof(struct addrinfo));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;

    if (getaddrinfo(text, port, &hints, &found) != 0) {
        return -1;
    }

    address = &list->item[list->n++];
    address->len = found->ai_addrlen;
    memcpy(&address->sa, found->ai_addr, found->ai_addrlen);

    freeaddrinfo(found);

    return 0;
}


int
load_number(const char *text, double min, double max, double *number)
{
    char  *end;

    *number = strtod(text, &end);

    if (end == text || *end != '\0' || isnan(*number) || *number < min
        || *number > max)
    {
        *number = 0;
        return -1;
    }

    return 0;
}
